"""What independent scenes, shards, sheets and photographs give on two workers: what they give on one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.labels import ledger_facts, ledger_labels
from iea40k.store.release import ReleaseOptions, verify_release, write_release
from iea40k.store.verify import verify_store
from pipelines.executor import Executor, Workers, open_executor
from pipelines.official.importing import import_official
from pipelines.official.tree import read_tree
from pipelines.sheets import write_contact_sheets
from tests.builders import built_scene
from tests.iea40k.store.ledger.test_corrected import hand_in
from tests.killing import files_of
from tests.pipelines.official_tree import write_official

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def two() -> Iterator[Executor]:
    with open_executor(Workers(2)) as executor:
        yield executor


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.create(tmp_path_factory.mktemp("stores") / "store")
    for number in range(8):
        store.write_scene(built_scene(f"s{number}", height=24 if number % 3 else 20, uncertainty=True))
    return store


def test_a_release_with_corrections(store: Store, two: Executor, tmp_path: Path) -> None:
    found = []
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P1", 1, slots=1)], "c")
        hand_in(ledger, "Anna", store.open_scene("s1").residual("P1"), 1000)
        facts = ledger_facts(ledger)
        options = ReleaseOptions("1.0.0", shard_bytes=24 * 32 * 30, ledger=facts)
        for name, each in (("one", map), ("two", two.map)):
            labels_of = ledger_labels(ledger, facts["cursor"])
            write_release(store, tmp_path / name, options, labels_of=labels_of, each=each)
            found.append(files_of(tmp_path / name))
    assert found[0] == found[1]
    assert len([name for name in found[0] if "/residual/c/" in name]) > 4  # several shards, so several pieces


def test_verification_finds_the_same(store: Store, two: Executor, tmp_path: Path) -> None:
    release = write_release(store, tmp_path / "out", ReleaseOptions("1.0.0"))
    assert verify_release(release.path, each=two.map) == []
    shard = next(path for path in release.path.rglob("residual/c/*/*/*") if path.is_file())
    damaged = bytearray(shard.read_bytes())
    damaged[40] ^= 1
    shard.write_bytes(damaged)
    told = [str(problem) for problem in verify_release(release.path)]
    assert len(told) > 1
    assert [str(problem) for problem in verify_release(release.path, each=two.map)] == told


def test_verification_of_a_store_finds_the_same(two: Executor, tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    for name in ("a", "b", "c"):
        store.write_scene(built_scene(name))
    (store.scenes_folder / "b" / "stray").write_text("x")
    told = [str(problem) for problem in verify_store(store)]
    assert len(told) == 1
    assert [str(problem) for problem in verify_store(store, each=two.map)] == told


def test_an_import(two: Executor, tmp_path: Path) -> None:
    official = write_official(tmp_path / "tree", side=32)
    next(official.root.rglob("*.png")).write_bytes(b"no picture")
    tree = read_tree(official.root)
    reports = [
        import_official(tree, Store.create(tmp_path / name), each=each)
        for name, each in (("one", map), ("two", two.map))
    ]
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert [str(problem) for problem in reports[0].problems] == [str(p) for p in reports[1].problems]
    assert reports[0].scenes == reports[1].scenes >= 7


def test_contact_sheets(store: Store, two: Executor, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_contact_sheets(store, tmp_path / "one", per_sheet=3)
    sheets = write_contact_sheets(
        store, tmp_path / "two", per_sheet=3, each=two.map, progress=lambda *p: seen.append(p)
    )
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert len(sheets) == 3
    assert seen == [(3, 8), (6, 8), (8, 8)]


def test_predictions(two: Executor, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra [trainer] is not installed")
    from iea40k.model.predict import predict_files
    from iea40k.model.weights import load_weights

    pictures = [tmp_path / f"{number}.png" for number in range(3)]
    for number, picture in enumerate(pictures):
        rng = np.random.default_rng(number)
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(picture)
    pictures[1].write_bytes(b"no picture")
    weights = load_weights("p_ieanet_s")
    told = [
        [
            (p.image, p.facts, str(p.error))
            for p in predict_files(weights, pictures, tmp_path / name, each=each)
        ]
        for name, each in (("one", map), ("two", two.map))
    ]
    assert told[0] == told[1]
    assert [facts is None for _, facts, _ in told[0]] == [False, True, False]
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
