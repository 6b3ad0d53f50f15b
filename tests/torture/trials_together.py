"""Several processes at one store: two builds, two releases, readers beside writers. Nobody loses, nobody sees half."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from iea40k.errors import IEAError, NotThereError
from iea40k.scene import BuiltScene
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.seals import kept_seals
from iea40k.store.release import Release, verify_release
from iea40k.store.sources import Row, note_build, read_changes, read_record
from iea40k.store.verify import verify_store
from iea40k.temporaries import is_temporary
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.killing import files_of
from tests.torture.harness import Report, Task, trial
from tests.torture.together import Call, alone, end, start, together

SCENES = 8
_HEADER = "scene_id,kind,exposures,references,experts,licence"
_MANIFESTS = "manifests.json", "changes.jsonl"
"""Files of a store that hold the time, or the order in which its manifests came."""


@trial(
    "concurrency",
    "two to four builds of one store at once: of one manifest, of several, of changed files",
    weight=2,
)
def builds(task: Task) -> None:
    """Each ends well, and the store is that of the same builds one after the other."""
    first = turn = task.rng.randrange(3)
    while turn == first or task.clock:  # one of them, also where the machine is slow
        turn += 1
        folder = task.folder / f"turn {turn}"
        several, changed = turn % 3 == 1, turn % 3 == 2
        manifests = _photographs(folder, 3 if several else 1)
        if changed:
            for name in ("alone", "shared"):
                alone(_build, manifests[0], folder / name, folder=folder / "said")
            manifests = _photographs(folder, 1, seed=1, licence="MIT")
        at_once = manifests if several else manifests * task.rng.randrange(2, 5)
        for manifest in manifests:
            alone(_build, manifest, folder / "alone", folder=folder / "said")
        calls: list[Call] = [(_build, (manifest, folder / "shared")) for manifest in at_once]
        for ended in together(calls, folder / "said", task.rng, task.rng.choice((0.0, 0.0, 2.0))):
            task.report.expect(
                ended.code == 0, f"a build of {len(calls)} at once: {ended}"[:600], "builds beside others"
            )
        _as_alone(task.report, folder / "alone", folder / "shared")
        shutil.rmtree(folder)


def _as_alone(report: Report, one_by_one: Path, shared: Path) -> None:
    """Compare two stores: scenes, list and quarantine byte for byte, and what each knows of its manifests."""

    def files(store: Path) -> dict[str, str]:
        return {name: sha for name, sha in files_of(store).items() if name not in _MANIFESTS}

    there, expected = files(shared), files(one_by_one)
    differ = sorted(name for name in {*there, *expected} if there.get(name) != expected.get(name))
    report.expect(
        not differ, f"other files than one after the other: {differ[:5]}", "stores as of builds in a row"
    )
    known = [_known(Store.open(place)) for place in (one_by_one, shared)]
    report.expect(
        known[0] == known[1], f"manifests: {known[1]} instead of {known[0]}"[:600], "records of manifests"
    )
    problems = verify_store(Store.open(shared))
    report.expect(not problems, f"verify: {problems[:2]}"[:600], "stores verified")


def _known(store: Store) -> tuple[object, ...]:
    record = read_record(store)
    assert record is not None
    changes = [(c["scene_id"], c["what"], c["old"], c["new"]) for c in read_changes(store)]
    return (
        sorted(Path(place["absolute"]).name for place in record.places),
        record.scenes,
        record.withdrawn,
        sorted(changes),
    )


@trial(
    "concurrency",
    "four processes at once make a store, note manifests, write and replace the same scenes",
    weight=1,
)
def writers(task: Task) -> None:
    """The same store comes of it, whoever is first; nothing is left."""
    scenes = {version: [_scene(number, version) for number in range(3)] for version in (0, 1)}
    one_by_one = task.folder / "alone"
    for number in range(4):
        _write(one_by_one, number, scenes[0])
    turn = 0
    while turn < 2 or task.clock:
        turn += 1
        folder = task.folder / f"turn {turn}"
        calls: list[Call] = [(_write, (folder / "shared", number, scenes[0])) for number in range(4)]
        ended = together(calls, folder / "said", task.rng, task.rng.choice((0.0, 0.0, 0.1)))
        for one in ended:
            task.report.expect(one.code == 0, f"a writer: {one}"[:600], "writers beside others")
        if all(one.code == 0 for one in ended):
            _as_alone(task.report, one_by_one, folder / "shared")
        shutil.rmtree(folder)


def _write(place: Path, number: int, scenes: list[BuiltScene]) -> None:
    """What a build does in the store, without its helper process, so that many tries fit into the time."""
    store = Store.create(place)
    store.clear_leftovers()
    rows = {f"scene {number}": Row({"licence": "MIT"}, {}), "shared": Row({"licence": "MIT"}, {})}
    note_build(store, place.parent / f"manifest_{number}.csv", rows)
    for turn in range(len(scenes)):
        store.write_scene(scenes[(turn + number) % len(scenes)])
        store.quarantine(f"bad {number}", ValueError("it would not do"))
        store.clear_leftovers()


@trial("concurrency", "two or three releases of one store at once, to one place or to several", weight=1.5)
def releases(task: Task) -> None:
    """Each is the release that one alone would be, or is refused in words; the store knows of all."""
    before = task.folder / "before"
    manifests = _photographs(task.folder, 2)
    for manifest in manifests:
        alone(_build, manifest, before, folder=task.folder / "said")
    with Ledger.open(before, create=True):
        pass
    turn = 0
    while turn < 2 or task.clock:
        turn += 1
        folder = task.folder / f"turn {turn}"
        for name in ("alone", "shared"):
            shutil.copytree(before, folder / name)
        same = bool(turn % 2)
        outs = ["r"] * task.rng.randrange(2, 4) if same else [f"r{number}" for number in range(3)]
        for out in set(outs):
            alone(_release, folder / "alone", folder / "alone releases" / out, folder=folder / "said")
        calls: list[Call] = [(_release, (folder / "shared", folder / "releases" / out)) for out in outs]
        ended = together(calls, folder / "said", task.rng, task.rng.choice((0.0, 0.0, 0.3)))
        for one in ended:
            refused = "another process is writing" in one.said or "never overwritten" in one.said
            task.report.expect(
                one.code == 0 or (same and one.code in (1, 2) and refused and "Traceback" not in one.said),
                f"a release of {len(calls)} at once: {one}"[:600],
                "releases beside others" if one.code == 0 else "releases refused in words",
            )
        there, expected = files_of(folder / "releases"), files_of(folder / "alone releases")
        differ = sorted(name for name in {*there, *expected} if there.get(name) != expected.get(name))
        task.report.expect(
            not differ, f"other files than alone: {differ[:5]}", "sets of releases as of one alone"
        )
        problems = [p for out in set(outs) for p in verify_release(folder / "releases" / out)]
        problems += verify_store(Store.open(folder / "shared"))
        task.report.expect(not problems, f"verify: {problems[:2]}"[:600], "releases and stores verified")
        seals = len(kept_seals(folder / "shared"))
        cut = sum(one.code == 0 for one in ended)
        task.report.expect(seals == cut, f"{cut} releases, {seals} seals", "counts of seals")
        shutil.rmtree(folder)


def _release(store: Path, out: Path) -> int:
    return run(["release", str(store), str(out), "--version", "1.0.0"])


@trial(
    "concurrency",
    "readers of a store and its releases while another process writes, replaces and releases",
    weight=1.5,
)
def readers(task: Task) -> None:
    """A reader finds a scene whole, as it was or as it is now, or not yet; `verify` raises no false alarm."""
    versions = {version: [_scene(number, version) for number in range(4)] for version in (0, 1)}
    known = {(scene.scene_id, _pixels(scene)) for scenes in versions.values() for scene in scenes}
    turn = 0
    while turn < 2 or task.clock:
        turn += 1
        folder = task.folder / f"turn {turn}"
        Store.create(folder / "store")
        processes = start([(_keep_writing, (folder, versions))], folder / "said", task.rng)
        while processes[0].is_alive():
            _look(task, folder, known)
        (ended,) = end(processes, folder / "said")
        task.report.expect(ended.code == 0, f"the writer: {ended}"[:600], "writers beside readers")
        left = [path.name for path in folder.rglob("*") if is_temporary(path.name)]
        task.report.expect(not left, f"left: {left}", "looks for temporaries")
        shutil.rmtree(folder)


def _look(task: Task, folder: Path, known: set[tuple[str, bytes]]) -> None:
    store = Store.open(folder / "store")
    choice = task.rng.random()
    if choice < 0.6:
        name = f"s{task.rng.randrange(4)}"
        try:
            scene = store.read_scene(name)
        except NotThereError:
            task.report.held("scenes that were not there")
        except IEAError as error:
            task.report.broke(f"{name}: {error}"[:400])
        else:
            task.report.expect((name, _pixels(scene)) in known, f"{name} is mixed", "scenes read whole")
    elif choice < 0.8:
        problems = verify_store(store)
        task.report.expect(not problems, f"verify STORE: {problems[:2]}"[:400], "stores verified meanwhile")
    else:
        out = folder / f"r{task.rng.randrange(3)}"
        try:
            release = Release.open(out)
        except NotThereError:
            return
        problems = verify_release(release.path)
        task.report.expect(
            not problems, f"verify RELEASE: {problems[:2]}"[:400], "releases verified meanwhile"
        )


def _keep_writing(folder: Path, versions: Mapping[int, list[BuiltScene]]) -> int:
    store = Store.open(folder / "store")
    for turn in range(4):
        for scene in versions[turn % 2]:
            store.write_scene(scene) if turn == 0 else store.replace_scene(scene)
        if turn and run(
            ["release", str(store.path), str(folder / f"r{turn - 1}"), "--version", "1.0.0", "--as-built"]
        ):
            return 1
    return 0


def _pixels(scene: BuiltScene) -> bytes:
    return scene.residual.tobytes() + scene.exposures.tobytes() + scene.reference.tobytes()


def _scene(number: int, version: int) -> BuiltScene:
    return built_scene(f"s{number}", height=32, width=40, evs=(-1.0, 0.0), seed=version)


def _photographs(folder: Path, manifests: int, seed: int = 0, licence: str = "CC0-1.0") -> list[Path]:
    """Draw small photographs, and write manifests that divide them; return those."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows: list[list[str]] = [[] for _ in range(manifests)]
    for number in range(SCENES):
        picture = rng.integers(0, 255, (40 + seed, 56, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
        rows[number % manifests].append(f"scene {number},rendered,{number}.png,{number}.png,C,{licence}")
    found = []
    for number, lines in enumerate(rows):
        found.append(folder / f"manifest_{number}.csv")
        found[-1].write_text("\n".join([_HEADER, *lines]) + "\n", encoding="utf-8")
    (folder / "build.yaml").write_text("short_side: 40\n", encoding="utf-8")
    return found


def _build(manifest: Path, store: Path) -> int:
    return run(["build", str(manifest), str(store), "--config", str(manifest.parent / "build.yaml")])
