"""How long `status` and `queue add` take over 5,000 scenes: their metadata copied from a few that are built.

`python -m benchmarks many_scenes` takes a minute or two, where `scale` builds every scene and takes half an hour.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench_scale import PICTURES, Cost, measured, photographs
from benchmarks.harness import Figure
from iea40k.store.layout import Store
from iea40k.store.sources import note_build, read_sources

TITLE = "status and queue add over 5,000 scenes, copied from 50"
_SCENES = int(os.environ.get("IEA40K_MANY", "5000"))
_TIMES = 3
_AIM = 2.0


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = _many(folder)
        costs: dict[str, list[Cost]] = {"status": [], "queue add": [], "queue add, a second time": []}
        for _ in range(_TIMES):
            costs["status"].append(measured(["status", str(store), "--json"]))
            costs["queue add"].append(measured(["queue", str(store), "add"]))
            costs["queue add, a second time"].append(measured(["queue", str(store), "add"]))
            for file in store.glob("ledger.sqlite*"):
                file.unlink()
        return [figure for command, three in costs.items() for figure in _figures(command, three)]


def _figures(command: str, costs: list[Cost]) -> Iterator[Figure]:
    wall, processor = min(c.wall for c in costs), min(c.processor for c in costs)
    note = f"the least of {len(costs)}; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    yield Figure(f"{command}: by the clock", wall, "s", "-", f"<= {_AIM:g}", wall <= _AIM, note)
    memory = f"{max(c.memory for c in costs):.0f} MiB"
    yield Figure(f"{command}: processor time", processor, "s", "-", "", None, f"{note}; {memory}")


def _many(folder: Path) -> Path:
    """Build a store of `PICTURES` scenes, and return one of `_SCENES` that are copies of them under other names."""
    photographs(folder)
    config = folder / "build.yaml"
    config.write_text("short_side: 48\n", encoding="utf-8")
    few, many = folder / "few", Store.create(folder / "many")
    measured(["build", str(_manifest(folder, PICTURES)), str(few), "--config", str(config), "--workers", "2"])
    for number in range(_SCENES):
        name, of = f"scene-{number:06d}", f"scene-{number % PICTURES:06d}"
        _copied(few / "scenes" / of, many.scenes_folder / name, of, name)
    manifest = _manifest(folder, _SCENES)
    note_build(many, manifest, read_sources([manifest]))
    return many.path


def _copied(scene: Path, to: Path, name: str, new: str) -> None:
    for file in scene.rglob("*"):
        place = to / file.relative_to(scene)
        if file.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif file == scene / "zarr.json":
            to.mkdir(exist_ok=True)
            place.write_text(file.read_text(encoding="utf-8").replace(name, new), encoding="utf-8")
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place)


def _manifest(folder: Path, count: int) -> Path:
    rows = [f"scene-{n:06d},rendered,{n % PICTURES}.png,{n % PICTURES}.png,C,CC0-1.0" for n in range(count)]
    file = folder / f"m{count}.csv"
    file.write_text("\n".join(["scene_id,kind,exposures,references,experts,licence", *rows]) + "\n", "utf-8")
    return file
