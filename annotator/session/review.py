"""A sitting in review: people's maps of one image beside each other, to accept, to return, or to overrule by painting.

What the reviewer paints goes into a map of their own for adjudication, which overrides the consensus. It begins at the
base, or at a map that they take over.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from annotator.reference.recording import take_over
from annotator.reference.state import Reference
from annotator.reference.versions import versions_of
from annotator.residual.state import Image
from annotator.session.loading import Work, load_work
from annotator.session.session import Session
from annotator.shared.origin import StoreOrigin
from iea40k.arrays import ResidualCodes
from iea40k.errors import LedgerError
from iea40k.store.ledger import MapKey, replay
from iea40k.store.ledger.consensus import consensus
from iea40k.store.ledger.overview import listing
from iea40k.store.ledger.queue import Verdict
from iea40k.store.ledger.rereview import adopt

MINE, CONSENSUS, BASE = "mine", "consensus", "base"
WAITING = ("submitted", "in_review")
SHOWN = (*WAITING, "accepted")


class Review(Session):
    """Goes through the images that somebody handed in, most urgent first."""

    role = "review"

    def start(self) -> Work | None:
        """Open the most urgent image that waits for review; None where nothing waits."""
        return self._go(0)

    def step(self, step: int) -> Work | None:
        """Go to another image that waits."""
        return self._go(step)

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Accept every map of the image that waits, and open the next."""
        del verdict
        return self.accept(None, comment)

    def accept(self, name: str | None, comment: str = "") -> Work | None:
        """Accept one person's map, or every one that waits; open the next image when none waits any more."""
        return self._judge(name, lambda lane: self._supply.queue.accept(lane, self.annotator, comment))

    def return_(self, name: str | None, comment: str) -> Work | None:
        """Return one person's map, or every one that waits, with a comment."""
        return self._judge(name, lambda lane: self._supply.queue.return_(lane, self.annotator, comment))

    def skip(self, reason: str) -> Work | None:
        """Return every map that waits, with the comment."""
        return self.return_(None, reason)

    def take_over(self, name: str) -> None:
        """Make a map or version the start of the reviewer's own, as one stroke that can be undone."""
        if self.reference is not None:
            take_over(self._courier, self.reference, self.versions[name].shift)
            return
        image = self._open_image()
        draft = adopt(image.lane, image.base, image.codes, self.maps[name])
        if draft is not None:
            self._post(image, draft)

    def next_if_idle(self) -> Work | None:
        """Look again whether something waits: a reviewer is no part of the queue."""
        return self.work if self.work is not None else self._go(0)

    def abandon(self) -> Work | None:
        """Go to the next image that waits: nothing is leased in review."""
        return self._go(1)

    # ------------------------------------------------------------ private

    def _waiting(self) -> list[tuple[str, str]]:
        rows = [row for state in WAITING for row in listing(self.ledger, state=state)]
        rows = [row for row in rows if row["purpose"] != "adjudication"]
        rows.sort(key=lambda row: -row["priority"])
        return list(dict.fromkeys((row["scene_id"], row["level"]) for row in rows))

    def _go(self, step: int) -> Work | None:
        waiting = self._waiting()
        self._supply.remaining = len(waiting)
        at = 0
        if self.work is not None:
            here = (self.work.lane.scene_id, self.work.level)
            at = waiting.index(here) + step if here in waiting else 0
        if not waiting:
            self.work, self.maps, self.versions = None, MappingProxyType({}), MappingProxyType({})
            return None
        scene_id, level = waiting[at % len(waiting)]
        lane = MapKey(scene_id, level, self.annotator, "adjudication")
        self.work = load_work(self.store, lane, self.ledger, self._courier.outbox, None)
        self.maps, self.versions = MappingProxyType({}), MappingProxyType({})
        if isinstance(self.work, Reference):
            self.versions = versions_of(self.work, lanes_of(self.work), CONSENSUS, BASE)
        else:
            self.maps = MappingProxyType(maps_of(self.work))
        return self.work

    def _judge(self, name: str | None, verdict: Callable[[MapKey], None]) -> Work | None:
        work = self._open_work()
        lanes = [lane for lane in lanes_of(work, WAITING) if name in (None, lane.annotator)]
        if not lanes:
            raise LedgerError("this map does not wait for review", got=name or "none waits")
        for lane in lanes:
            verdict(lane)
        self.pace = self.pace.plus(self.seconds)
        return self._go(0)


def lanes_of(work: Work, states: tuple[str, ...] = SHOWN) -> list[MapKey]:
    """Return the lanes of experts on an image or reference whose work is in one of `states`, by name."""
    origin = work.origin
    if not isinstance(origin, StoreOrigin) or origin.record is None:
        return []
    return origin.record.counted(work.level, "expert", states)


def maps_of(image: Image) -> Mapping[str, ResidualCodes]:
    """Return the maps to compare: each expert's, their consensus where there are two, and the base."""
    origin = image.origin
    maps: dict[str, ResidualCodes] = {}
    if isinstance(origin, StoreOrigin) and origin.record is not None:
        for lane in lanes_of(image):
            maps[lane.annotator] = replay(image.base, origin.record.corrections.get(lane, ())).codes
    if len(maps) > 1:
        maps[CONSENSUS] = consensus(list(maps.values())).codes
    maps[BASE] = image.base
    return maps
