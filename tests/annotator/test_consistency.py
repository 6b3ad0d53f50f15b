"""The expert's own consistency: looked up beside the work, in batches, and in silence where it may not be known."""

import threading
import time
from pathlib import Path

from annotator.session.consistency import BATCH, OwnConsistency, in_words
from annotator.session.session import Session
from iea40k.errors import LedgerUnavailableError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.consistency import Consistency, own_consistency
from tests.annotator.test_session import paint


def test_the_words_and_nothing_where_there_is_nothing():
    assert in_words(Consistency("Ada", 8, 0.0131, 5, 0.0214)) == (
        "Your consistency: 0.013 on 8 repeats; 0.021 to the agreed maps on 5"
    )
    assert in_words(Consistency("Ada", 1, 0.5, 0, None)) == "Your consistency: 0.500 on 1 repeat"
    assert in_words(Consistency("Ada", 0, None, 0, None)) == ""


def test_it_is_never_waited_for_and_looked_up_once_a_batch():
    go, asked = threading.Event(), []

    def slow() -> Consistency:
        asked.append(threading.current_thread())
        assert go.wait(20)
        return Consistency("Ada", len(asked), 0.1, 0, None)

    own = OwnConsistency(slow)
    for _ in range(2 * BATCH):
        own.image_opened()  # would not return if it waited
    assert own.text == ""
    go.set()
    until = time.monotonic() + 20
    while len(asked) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    own.close()
    assert len(asked) == 2
    assert threading.current_thread() not in asked
    assert own.text == "Your consistency: 0.100 on 2 repeats"


def test_a_ledger_that_does_not_give_it_is_no_trouble():
    def refused() -> Consistency:
        raise LedgerUnavailableError("permission denied")

    own = OwnConsistency(refused)
    own.image_opened()
    own.close()
    assert own.text == ""


def test_a_session_tells_what_the_ledger_knows_and_no_image_gives_itself_away(queued: Store, tmp_path: Path):
    with Ledger.open(queued.path) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 0, purpose="repeat")], "curator")
    first = Session.open(queued.path, "Ada", folders=tmp_path / "desks")
    image = first.start()
    purposes = []
    while image is not None:
        purposes.append(image.key.purpose)
        paint(first, (30, 30), value=0.25 if image.key.purpose == "expert" else 0.27)  # type: ignore[union-attr]
        image = first.submit()
    assert purposes.count("repeat") == 1
    first._consistency.close()
    assert first.consistency == ""  # looked up before the repeat was handed in, and not just after it
    first.close()
    later = Session.open(queued.path, "Ada", folders=tmp_path / "desks")
    with Ledger.open(queued.path) as ledger:
        known = own_consistency(ledger, queued, "Ada")
        add_tasks(ledger, [TaskRequest("s1", "P1", 1)], "curator")
    later.start()
    later._consistency.close()
    assert known.repeats == 1
    assert later.consistency == f"Your consistency: {known.repeat_difference:.3f} on 1 repeat"
    later.close()
