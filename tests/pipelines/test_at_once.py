"""Two builds of one store at once: what each does in the moment in which it must not disturb the other."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iea40k.errors import NotThereError
from iea40k.manifest import read_manifest
from iea40k.store import layout, sources
from iea40k.store.layout import Store
from iea40k.store.sources import Row, note_build, read_record
from iea40k.store.verify import verify_store
from pipelines import scene_task
from pipelines.config import BuildConfig
from pipelines.scene_task import build_one
from tests.builders import built_scene


def test_neither_forgets_the_manifest_of_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a release would take the scenes of one of them for withdrawn."""
    store = Store.create(tmp_path / "store")
    reading, read = threading.Event(), sources.read_record

    def slow(of: Store) -> sources.Record | None:
        found = read(of)
        if not reading.is_set():
            reading.set()
            other.join(0.5)  # all the time that the other needs, if it may
        return found

    monkeypatch.setattr(sources, "read_record", slow)

    def note(name: str) -> None:
        note_build(store, tmp_path / f"{name}.csv", {name: Row({"licence": "MIT"}, {})})

    def later() -> None:
        reading.wait()
        note("b")

    other = threading.Thread(target=later)
    other.start()
    note("a")
    other.join()
    record = read_record(store)
    assert record is not None
    assert [Path(place["absolute"]).name for place in record.places] == ["a.csv", "b.csv"]
    assert set(record.scenes) == {"a", "b"}
    assert verify_store(store) == []


def test_both_may_make_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = layout.refuse_mistaken

    def meanwhile(path: Path, kind: str) -> None:
        monkeypatch.setattr(layout, "refuse_mistaken", refuse)
        Store.create(path).write_scene(built_scene("a"))
        refuse(path, kind)

    monkeypatch.setattr(layout, "refuse_mistaken", meanwhile)
    assert Store.create(tmp_path / "store").scene_ids() == ["a"]


def test_both_may_replace_a_scene(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    store.replace_scene(built_scene("a"))  # as where the other has taken the old one away
    store.replace_scene(built_scene("a", seed=1))
    store.replace_scene(built_scene("a", seed=1))
    assert verify_store(store) == []


def test_a_scene_that_goes_while_it_is_looked_at_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    manifest = tmp_path / "m.csv"
    manifest.write_text("scene_id,kind,exposures,references,experts\na,rendered,a.png,a.png,C\n")
    (scene,) = read_manifest(manifest).scenes
    store, config = Store.create(tmp_path / "store"), BuildConfig(short_side=40)
    assert build_one(scene, config, store).status == "built"

    def taken_away(*_: object, **__: object) -> str:
        store.discard_scene("a")
        raise NotThereError("there is no such scene")

    monkeypatch.setattr(scene_task, "why_build", taken_away)
    assert build_one(scene, config, store).status == "built"
    monkeypatch.undo()
    assert build_one(scene, config, store).status == "kept"
    assert verify_store(store) == []
