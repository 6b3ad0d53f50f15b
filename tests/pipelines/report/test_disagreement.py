"""Disagreement in the report: what two experts drew apart, from the ledger and from the release of it."""

from pathlib import Path

import numpy as np
import pytest

from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, PackedPatch, Patch, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.entries import CorrectionDraft
from pipelines.cli.program import run
from pipelines.report.sources import open_source
from pipelines.report.writing import write_report
from tests.builders import built_scene

BOX = np.s_[6:16, 6:20]
OFFSETS = {"Anna": 0, "Boris": 3264}  # 0.1 of a residual apart


def scenes_in(folder: Path) -> Store:
    store = Store.create(folder)
    for number in range(3):
        store.write_scene(built_scene(f"s{number}", seed=number))
    return store


def draw_apart(store: Store, place: str | Path) -> None:
    """Two experts correct the same image, 0.1 of a residual apart; both are accepted."""
    with Ledger.open(place, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "N1", 1, slots=2)], "curator")
        queue = Queue(ledger)
        for name, offset in OFFSETS.items():
            lease = queue.lease(name)
            assert lease is not None
            base = store.open_scene("s1").residual("N1")
            after, touched = base.copy(), np.zeros(base.shape, np.bool_)
            after[BOX], touched[BOX] = base[BOX] // 2 + offset, True
            patch = Patch.between(base, after, touched)
            assert patch is not None
            draft = CorrectionDraft(
                map_key=lease.map_key,
                image_shape=base.shape,
                base_digest=array_digest(base),
                kind="range",
                patch=PackedPatch.of(patch),
            )
            ledger.append_correction(draft, lease)
            queue.submit(lease, active_seconds=30)
            queue.accept(lease.map_key, "Curator")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = scenes_in(tmp_path_factory.mktemp("disagreement") / "store")
    draw_apart(store, store.path)
    return store


def test_a_store_and_its_release_say_where_experts_disagree(store: Store, tmp_path: Path) -> None:
    assert run(["release", str(store.path), str(tmp_path / "release"), "--version", "1.0.0"]) == 0
    for place in (store.path, tmp_path / "release"):
        found = {scene.scene_id: scene for scene in open_source(place).scenes()}
        apart = dict(zip(found["s1"].levels, found["s1"].disagreement, strict=True))
        box = (16 - 6) * (20 - 6)
        assert apart["N1"] == pytest.approx(0.05 * box / (22 * 32), rel=0.05)
        assert all(not value > 0 for level, value in apart.items() if level != "N1")
        touched = dict(zip(found["s1"].levels, found["s1"].touched, strict=True))
        assert touched["N1"] == pytest.approx(box / (24 * 32))
        assert not any(value > 0 for value in found["s0"].disagreement)
        write_report(place, tmp_path / "page.html")
        assert "Where annotators disagree" in (tmp_path / "page.html").read_text()


@pytest.mark.postgres
def test_a_ledger_on_a_server_gives_the_same_page(store: Store, postgresql_url: str, tmp_path: Path) -> None:
    apart = scenes_in(tmp_path / store.path.name)
    draw_apart(apart, postgresql_url)
    page, again, bare = (tmp_path / name for name in ("page.html", "again.html", "bare.html"))
    write_report(store.path, page)
    assert run(["report", str(apart.path), "-o", str(again), "--ledger", postgresql_url]) == 0
    assert again.read_bytes() == page.read_bytes()
    assert run(["report", str(apart.path), "-o", str(bare)]) == 0
    assert bare.read_bytes() != page.read_bytes()


@pytest.mark.postgres
def test_a_ledger_that_the_environment_names_is_of_the_store(
    store: Store, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, page = tmp_path / "release", tmp_path / "page.html"
    assert run(["release", str(store.path), str(release), "--version", "1.0.0"]) == 0
    monkeypatch.setenv("IEA40K_LEDGER", postgresql_url)
    assert run(["report", str(release), "-o", str(page)]) == 0
    assert run(["report", str(store.path), "-o", str(page)]) == 1  # an empty database is no ledger


def test_a_ledger_is_not_taken_for_a_release(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = tmp_path / "release"
    assert run(["release", str(store.path), str(release), "--version", "1.0.0"]) == 0
    assert run(["report", str(release), "-o", str(tmp_path / "p.html"), "--ledger", str(store.path)]) == 2
    assert "a release has no ledger" in capsys.readouterr().err
