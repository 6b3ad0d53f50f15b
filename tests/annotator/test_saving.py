"""A stroke on a slow disk: the window goes on at once, says that it is saving, and loses nothing."""

import threading
import time

import pytest

from annotator.residual.brushes import Brush
from annotator.residual.strokes import Stroke
from annotator.session.panel import saving_text
from iea40k.store.ledger import Outbox
from tests.annotator.conftest import Begin


def stroke(session) -> None:
    image = session.image
    made = Stroke(image.codes, image.base, Brush("add", 0.1, 6.0, 0.5))
    made.move((40, 40))
    session.record(image.draft("brush", made.finish(), {"tool": "add"}), shown=True)


def test_a_slow_disk_is_not_waited_for_and_the_panel_says_saving(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("annotator.session.upload.PATIENCE_SECONDS", 0.02)
    session = begin()
    session.start()
    free, put = threading.Event(), Outbox.put

    def slow(self, draft):
        assert free.wait(60)
        return put(self, draft)

    monkeypatch.setattr(Outbox, "put", slow)
    stroke(session)  # returns although the disk does not
    stroke(session)
    assert session.saving.writing == 2
    assert not session.saving.clean
    assert saving_text(session.saving) == ("Saving …", "busy")
    assert session.image.standing == 2
    free.set()
    until = time.monotonic() + 60
    while not session.saving.clean and time.monotonic() < until:
        time.sleep(0.01)
    assert session.saving.clean
    assert saving_text(session.saving)[0] == "Every stroke is in the ledger"
    assert len(session.ledger.corrections(session.image.key)) == 2


def test_strokes_that_are_being_written_are_handed_in_before_the_image_is(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("annotator.session.upload.PATIENCE_SECONDS", 0.0)
    session = begin()
    session.start()
    put = Outbox.put

    def slow(self, draft):
        time.sleep(0.3)
        return put(self, draft)

    monkeypatch.setattr(Outbox, "put", slow)
    key = session.image.key
    for _ in range(3):
        stroke(session)
    session.submit()
    assert len(session.ledger.corrections(key)) == 3
    assert session.image.key.scene_id == "s2"
