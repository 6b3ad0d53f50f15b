"""Stores with planted faults and sessions at them, without any display."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from annotator.sample import Practice, practice_scene
from annotator.session.session import Session
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

LEVELS = ("N1", "P0", "P1")


def a_photograph(height: int = 96, width: int = 128, seed: int = 3) -> np.ndarray:
    """A picture of smooth light with texture, nowhere blown."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    smooth = 40 + 90 * (y / height)[..., None] * rng.uniform(0.5, 1, 3) + 40 * (x / width)[..., None]
    texture = 14 * np.sin(x / 3.0)[..., None] * np.cos(y / 4.0)[..., None]
    return np.clip(smooth + texture + rng.integers(0, 4, (height, width, 3)), 8, 235).astype(np.uint8)


def a_practice(scene_id: str = "s1", seed: int = 3) -> Practice:
    """A practice scene at N1, P0, P1 with a logo, a displaced patch and speckle."""
    return practice_scene(a_photograph(seed=seed), scene_id, evs=(-1.0, 0.0, 1.0), seed=seed, speckles=4)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger_place(request: pytest.FixtureRequest) -> str | None:
    """None for the store's own ledger, else the URL of an empty PostgreSQL database."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests look at the ledger right after a stroke, on machines that are as busy as they are."""
    monkeypatch.setattr("annotator.session.upload.PATIENCE_SECONDS", 20.0)


@pytest.fixture
def practices() -> dict[str, Practice]:
    """Three scenes."""
    return {name: a_practice(name, seed) for seed, name in enumerate(("s1", "s2", "s3"))}


@pytest.fixture
def store(tmp_path: Path, practices: dict[str, Practice]) -> Store:
    """A store of three scenes, without tasks."""
    made = Store.create(tmp_path / "store")
    for practice in practices.values():
        made.write_scene(practice.scene)
    return made


@pytest.fixture
def queued(store: Store) -> Store:
    """The store with level P0 of each scene in its own ledger's queue: s1 first, one slot each."""
    with Ledger.open(store.path, create=True) as ledger:
        tasks = [TaskRequest(name, "P0", priority) for name, priority in (("s1", 3), ("s2", 2), ("s3", 1))]
        add_tasks(ledger, tasks, "curator")
    return store


Begin = Callable[..., Session]


@pytest.fixture
def begin(queued: Store, tmp_path: Path) -> Iterator[Begin]:
    """Open sessions at the queue; they are closed afterwards."""
    opened: list[Session] = []

    def begin(name: str = "Ada", **options: object) -> Session:
        session = Session.open(queued.path, name, folders=tmp_path / "desks", **options)  # type: ignore[arg-type]
        opened.append(session)
        return session

    yield begin
    for session in opened:
        session.close()


@pytest.fixture(scope="session")
def screen() -> None:
    """A screen with OpenGL. Qt's offscreen platform has none, and napari asks for it when a layer is added."""
    if sys.platform == "linux" and (
        os.environ.get("QT_QPA_PLATFORM") == "offscreen" or not os.environ.get("DISPLAY")
    ):
        pytest.skip("no screen: run `xvfb-run -a python -m pytest -m screen`")
