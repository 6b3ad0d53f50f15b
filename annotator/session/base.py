"""What a window asks of a session, whatever kind it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from annotator.reference.state import Reference
from annotator.residual.state import Image
from annotator.session.pace import Pace
from annotator.session.practice_score import Score
from annotator.session.settings import UserFolder
from annotator.session.upload import Saving
from annotator.shared.boxes import Box
from annotator.shared.language import tr
from annotator.shared.progress import Progress, silent
from annotator.shared.strokes import Draft
from annotator.target import Told
from iea40k.errors import LedgerError
from iea40k.store.ledger import MapKey
from iea40k.store.ledger.queue import Verdict

Work = Image | Reference
"""What a task brings: an exposure whose residual is corrected, or a reference whose zones are set."""

Role = Literal["annotate", "review", "read only"]
Notice = Callable[[Told, str], None]
"""Told of things the person should know, with how bad they are. Called from any thread."""


class BaseSession(ABC):
    """One person's images, one after the other.

    `versions`: in review, what people made of the work, their consensus and the base, by name.
    """

    role: Role
    can_paint: bool
    versions: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, annotator: str, folder: UserFolder) -> None:
        self.annotator, self.folder = annotator, folder
        self.work: Work | None = None
        self.notice: Notice = lambda _kind, _text: None
        self.progress: Progress = silent
        self.scored: Callable[[Score], None] = lambda _: None
        """Told how well a practice image was repaired."""
        self.saving_changed: Callable[[Saving], None] = lambda _: None
        self.pace = Pace()

    # ------------------------------------------------------------ facts

    @property
    def image(self) -> Image | None:
        """The exposure under work; None where nothing is, or a reference."""
        return self.work if isinstance(self.work, Image) else None

    @property
    def reference(self) -> Reference | None:
        """The reference under work; None where nothing is, or an exposure."""
        return self.work if isinstance(self.work, Reference) else None

    @property
    def saving(self) -> Saving:
        """How safe the strokes are."""
        return Saving()

    @property
    def seconds(self) -> float:
        """Active seconds on this image."""
        return 0.0

    @property
    def remaining(self) -> int | None:
        """How many images come after this one; None where that is not known."""
        return None

    @property
    def lost(self) -> bool:
        """Whether somebody else has the image under work now."""
        return False

    @property
    def adjudicating(self) -> bool:
        """Whether what is open is to be settled between people's versions of it."""
        return False

    @property
    def begins_with(self) -> str | None:
        """The version that is shown first, None where the first one is."""
        return None

    @property
    def consistency(self) -> str:
        """How consistent this person is, in words; "" where nothing is known."""
        return ""

    # ------------------------------------------------------------ coming and going

    @abstractmethod
    def start(self) -> Work | None:
        """Open the first image; None where there is none."""

    @abstractmethod
    def step(self, step: int) -> Work | None:
        """Go to another image without finishing this one."""

    @abstractmethod
    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Finish the image and open the next; None where there is none."""

    def next_if_idle(self) -> Work | None:
        """Look again for work where there was none."""
        return self.work if self.work is not None else self.start()

    def abandon(self) -> Work | None:
        """Go on without finishing the image."""
        return self.step(1)

    def recallable(self) -> Sequence[MapKey]:
        """Return what this person handed in and may take back, the latest first."""
        return ()

    def recall(self, key: MapKey) -> Work | None:
        """Take back what was handed in, and open it. Raises `LedgerError` where somebody reviews it."""
        raise LedgerError("there is nothing to take back here", where=f"{key.scene_id} {key.level}")

    def retry(self) -> Saving:
        """Try now to bring what waits to the ledger."""
        return self.saving

    def close(self) -> Saving:
        """End the session."""
        return self.saving

    @abstractmethod
    def skip(self, reason: str) -> Work | None:
        """Leave the image to others, for a reason, and open the next."""

    @abstractmethod
    def flag(self, comment: str) -> None:
        """Tell the curator something about the image; the work goes on."""

    # ------------------------------------------------------------ strokes

    @abstractmethod
    def blocked(self, level: str) -> str:
        """Return why nothing may be recorded on another level from this one, "" where it may."""

    def record(self, *drafts: Draft, shown: bool = False) -> Box | None:
        """Record strokes as one step; return the box that changed, None for all of it. `shown`: the work has them
        already."""
        return self._post(self._changeable(), *drafts, shown=shown)

    def clear(self) -> None:
        """Take the whole work back to its base, as one step that can be undone."""
        work = self._changeable()
        self._post(work, work.clear())

    def undo(self) -> tuple[bool, Box | None]:
        """Take back the last step; return whether there was one, and the box that changed (None: all of it)."""
        return self._take_step(redo=False)

    def redo(self) -> tuple[bool, Box | None]:
        """Bring back what the last undo took; returns what `undo` returns."""
        return self._take_step(redo=True)

    def adopt_stale(self) -> int:
        """Draw again, on today's base, the strokes that were drawn on an earlier one; return how many."""
        work = self._changeable()
        count = 0
        with self.progress(tr("Drawing strokes again"), len(work.stale)) as step:
            for draft in work.renewed():
                if draft is not None:
                    self._post(work, draft)
                    count += 1
                step()
        return count

    @abstractmethod
    def _changeable(self) -> Work:
        """Return what is under work. Raises `LedgerError` where there is nothing, or it may not be changed."""

    @abstractmethod
    def _post(self, work: Work, *drafts: Draft, shown: bool = False) -> Box | None:
        """Keep strokes, and take them into account; return what changed."""

    def _take_step(self, *, redo: bool) -> tuple[bool, Box | None]:
        work = self._changeable()
        drafts = work.step(redo=redo)
        return bool(drafts), self._post(work, *drafts)
