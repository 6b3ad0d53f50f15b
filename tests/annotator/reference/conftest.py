"""References under work, in stores of three scenes, without any display."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.reference.state import Reference
from annotator.reference.strokes import ReferenceStroke
from annotator.reference.tools import ReferenceTools
from annotator.session.session import Session
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, TaskRequest, add_tasks


@pytest.fixture
def asked(store: Store, ledger_place: str | None) -> tuple[Store, str | None]:
    """A store with the reference of each scene in the queue (s1 first), and its ledger's place."""
    with Ledger.open(ledger_place or store.path, create=True) as ledger:
        wanted = (("s1", 3), ("s2", 2), ("s3", 1))
        add_tasks(ledger, [TaskRequest(name, "reference", priority) for name, priority in wanted], "curator")
    return store, ledger_place


BeginAt = Callable[..., Session]


@pytest.fixture
def begin_at(asked: tuple[Store, str | None], tmp_path: Path) -> Iterator[BeginAt]:
    """Open sessions at references; they are closed afterwards."""
    opened: list[Session] = []
    store, place = asked

    def begin(name: str = "Ada", **options: object) -> Session:
        session = Session.open(store.path, name, ledger_url=place, folders=tmp_path / "desks", **options)  # type: ignore[arg-type]
        opened.append(session)
        return session

    yield begin
    for session in opened:
        session.close()


@pytest.fixture
def reference(store: Store) -> Iterator[Reference]:
    """The reference of s1, not leased."""
    from annotator.session.loading import load_reference

    with Ledger.open(store.path, create=True) as ledger:
        yield load_reference(store, MapKey("s1", "reference", "Ada"), ledger, None)


@pytest.fixture
def window(viewer: Any, begin_at: BeginAt) -> Iterator[SimpleNamespace]:
    """A window at the first reference, with nothing over the picture. Modules say which `viewer` it is in."""
    from annotator.window.opening import Annotator

    annotator = Annotator(viewer, begin_at())
    annotator.start()
    controller = annotator.controller
    controller.reference.set_tools(side=24, edge=3.0, tool="block", mode="set", zone=5.0)
    controller.target.set_display(
        picture="reference",
        compare="single",
        outlines=False,
        clipping=False,
        edited=False,
        zones=False,
        overlay=False,
    )
    yield SimpleNamespace(viewer=viewer, a=annotator, c=controller, session=annotator.session)
    annotator.close()
    assert not viewer.layers


def paint_zone(session: Session, tools: ReferenceTools, *points: tuple[float, float]) -> np.ndarray:
    """Paint from press to release, as the window does; return the picture then."""
    reference = session.reference
    assert reference is not None
    stroke = ReferenceStroke(reference, tools)
    for point in points:
        stroke.move(point)
    session.record(*reference.changes(stroke.finish(), {"tool": tools.mode}), shown=True)
    return reference.picture.copy()
