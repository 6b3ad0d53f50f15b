"""Adjudications that the queue asks for: the reviewer's window brings them, and settles them by the map on the left."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.session.review import Review
from iea40k.errors import LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.corrected import CorrectedResidual, corrected_residual, read_record
from tests.annotator.conftest import Begin
from tests.annotator.screens import drawn, in_dialog, key, shown_viewer
from tests.annotator.test_review import two_maps
from tests.annotator.test_session import paint

Adjudicate = Callable[[str], Review]


@pytest.fixture
def disputed(queued: Store, begin: Begin, ledger_place: str | None) -> SimpleNamespace:
    """Ada's and Ben's maps of s1 P0 are accepted; then the trained model disputes it. On SQLite, and on PostgreSQL."""
    maps = two_maps(queued, begin, ledger_place)
    place = ledger_place or str(queued.path)
    with Ledger.open(place) as ledger:
        for name in maps:
            Queue(ledger).accept(MapKey("s1", "P0", name), "Rita")
        done = add_tasks(ledger, [TaskRequest("s1", "P0", 9, reason="dispute")], "trainer")
    assert done.adjudications == 1
    return SimpleNamespace(store=queued, maps=maps, place=place, url=ledger_place)


@pytest.fixture
def adjudicate(disputed: SimpleNamespace, tmp_path: Path) -> Iterator[Adjudicate]:
    """Open reviews of the disputed store; they are closed afterwards."""
    opened: list[Review] = []

    def adjudicate(name: str) -> Review:
        place, url = disputed.store.path, disputed.url
        opened.append(Review.open(place, name, ledger_url=url, folders=tmp_path / "desks"))
        return opened[-1]

    yield adjudicate
    for session in opened:
        session.close()


def state(disputed: SimpleNamespace, name: str) -> str | None:
    with Ledger.open(disputed.place) as ledger:
        return Queue(ledger).state(MapKey("s1", "P0", name, "adjudication"))


def settled(disputed: SimpleNamespace) -> CorrectedResidual:
    with Ledger.open(disputed.place) as ledger:
        return corrected_residual(disputed.store.open_scene("s1"), "P0", read_record(ledger, "s1"))


def test_it_is_leased_to_one_person_at_a_time(disputed, adjudicate):
    first, second = adjudicate("Cy"), adjudicate("Dee")
    work = first.start()
    assert work is not None
    assert list(first.versions) == ["Ada", "Ben", "consensus", "base"]
    assert first.adjudicating
    assert second.start() is None
    first.skip("I drew one of them")
    assert state(disputed, "Cy") == "skipped"
    assert first.work is None
    opened = second.next_if_idle()
    assert opened is not None
    assert opened.key == MapKey("s1", "P0", "Dee", "adjudication")


@pytest.mark.parametrize("name", ["Ben", "consensus", "base"])
def test_it_is_settled_by_a_version(disputed, adjudicate, name: str):
    session = adjudicate("Cy")
    session.start()
    wanted = session.versions[name]
    assert session.settle(name) is None
    assert state(disputed, "Cy") == "accepted"
    found = settled(disputed)
    assert np.array_equal(found.codes, wanted)
    assert found.adjudicator == (None if name == "consensus" else "Cy")


def test_strokes_of_ones_own_go_where_the_consensus_is_right(disputed, adjudicate):
    session = adjudicate("Cy")
    session.start()
    paint(session, (70, 70), (70, 90), value=0.9)
    session.settle("consensus")
    assert np.array_equal(settled(disputed).codes[40, 50], (8160 - 16320) // 2)
    assert settled(disputed).adjudicator is None


def test_a_restart_goes_on_with_its_strokes_and_a_close_gives_back_what_is_not_open(disputed, adjudicate):
    session = adjudicate("Cy")
    session.start()
    paint(session, (70, 70), (70, 90), value=0.9)
    session.close()
    assert state(disputed, "Cy") == "leased"
    again = adjudicate("Cy")
    work = again.start()
    assert work is not None
    assert (work.standing, again.begins_with) == (1, "")
    with Ledger.open(disputed.place) as ledger:
        add_tasks(ledger, [TaskRequest("s2", "N1", 99)], "curator")
        other = Queue(ledger).lease("Eve")
        assert other is not None
        Queue(ledger).submit(other, verdict="base is right")
    reviewed = again.step(1)
    assert reviewed is not None
    assert (reviewed.key.scene_id, again.adjudicating) == ("s2", False)
    again.close()
    assert state(disputed, "Cy") == "expired"


def test_annotating_under_the_same_name_leaves_the_adjudication_alone(disputed, adjudicate, begin):
    session = adjudicate("Cy")
    session.start()
    with Ledger.open(disputed.place) as ledger:
        add_tasks(ledger, [TaskRequest("s3", "N1", 1)], "curator")
    other = begin("Cy", ledger_url=disputed.url)
    work = other.start()
    assert work is not None
    assert work.key.purpose == "expert"
    other.close()
    assert session.settle("Ada") is None
    assert state(disputed, "Cy") == "accepted"


def test_what_was_handed_in_and_not_accepted_is_accepted_at_the_next_start(disputed, adjudicate, monkeypatch):
    session = adjudicate("Cy")
    session.start()

    def fails(*_: object) -> None:
        raise LedgerError("the ledger went away")

    with monkeypatch.context() as patch:
        patch.setattr(session._prefetcher.queue, "accept", fails)
        with pytest.raises(LedgerError, match="went away"):
            session.settle("Ada")
    assert state(disputed, "Cy") == "submitted"
    session.close()
    assert adjudicate("Cy").start() is None
    assert state(disputed, "Cy") == "accepted"


@pytest.fixture
def window(screen: None, qapp: Any, adjudicate: Adjudicate) -> Iterator[SimpleNamespace]:
    """The adjudicator's window."""
    from annotator.window.opening import Annotator

    with shown_viewer(1366, 768) as viewer:
        annotator = Annotator(viewer, adjudicate("Cy"))
        annotator.start()
        drawn()
        yield SimpleNamespace(viewer=viewer, a=annotator, c=annotator.controller, session=annotator.session)
        annotator.close()


@pytest.mark.gui
@pytest.mark.screen
def test_the_window_shows_who_drew_what_and_settles_by_a_key(window, disputed):
    pytest.importorskip("napari")
    from annotator.shared.display import display_levels

    dock = window.a.dock
    assert "To be settled" in dock.subtitle.text()
    button = dock.buttons["submit"]
    assert button.text().startswith("Settle: the consensus is right")
    assert dock.buttons["skip"].text().startswith("Skip")
    assert np.array_equal(window.a.screen.residual.data, display_levels(window.session.versions["consensus"]))
    seen = []
    while window.c.comparison.left != "Ben" and len(seen) < 6:
        key(window, "Q", "ShiftModifier")
        seen.append(button.text().split("  ")[0])
    assert "Settle: as Ben drew it" in seen
    assert "Settle: as I drew it" in seen
    assert np.array_equal(window.a.screen.residual.data, display_levels(disputed.maps["Ben"]))
    key(window, "Return", "ControlModifier")
    assert dock.title.text() == "The queue is empty"
    assert np.array_equal(settled(disputed).codes, disputed.maps["Ben"])


@pytest.mark.gui
@pytest.mark.screen
def test_the_window_leaves_it_to_others_for_a_reason(window, disputed):
    seen = in_dialog("1", "\r")
    key(window, "K", "ControlModifier")
    assert seen
    assert seen[0].windowTitle() == "Skip"
    assert state(disputed, "Cy") == "skipped"
    assert state(disputed, "Dee") is None
