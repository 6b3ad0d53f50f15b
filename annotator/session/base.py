"""What a window asks of a session, whatever kind it is. Here nothing may be changed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from annotator.reference.state import Reference
from annotator.residual.state import Image
from annotator.session.pace import Pace
from annotator.session.settings import UserFolder
from annotator.session.upload import Saving
from annotator.shared.boxes import Box
from annotator.shared.progress import Progress, silent
from annotator.shared.strokes import Draft
from annotator.target import Told
from iea40k.errors import LedgerError
from iea40k.store.ledger.queue import Verdict

Work = Image | Reference
"""What a task brings: an exposure whose residual is corrected, or a reference whose zones are set."""

Role = Literal["annotate", "review", "read only"]
Notice = Callable[[Told, str], None]
"""Told of things the person should know, with how bad they are. Called from any thread."""


class BaseSession(ABC):
    """One person's images, one after the other. What would change something raises `LedgerError`.

    `versions`: in review, what people made of the work, their consensus and the base, by name.
    """

    role: Role = "read only"
    can_paint = False
    versions: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, annotator: str, folder: UserFolder) -> None:
        self.annotator, self.folder = annotator, folder
        self.work: Work | None = None
        self.notice: Notice = lambda _kind, _text: None
        self.progress: Progress = silent
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

    def retry(self) -> Saving:
        """Try now to bring what waits to the ledger."""
        return self.saving

    def close(self) -> Saving:
        """End the session."""
        return self.saving

    # ------------------------------------------------------------ what changes something

    def skip(self, reason: str) -> Work | None:
        """Leave the image to others, for a reason, and open the next."""
        raise _read_only(reason)

    def flag(self, comment: str) -> None:
        """Tell the curator something about the image; the work goes on."""
        raise _read_only(comment)

    def record(self, *drafts: Draft, shown: bool = False) -> Box | None:
        """Record strokes; return the box that changed, None for all of it. `shown`: the work has them already."""
        del shown
        raise _read_only(", ".join(draft.kind for draft in drafts))

    def clear(self) -> None:
        """Take the whole work back to its base, as one step that can be undone."""
        raise _read_only("clear")

    def undo(self) -> tuple[bool, Box | None]:
        """Take back the last step; return whether there was one, and the box that changed (None: all of it)."""
        raise _read_only("undo")

    def redo(self) -> tuple[bool, Box | None]:
        """Bring back what the last undo took; returns what `undo` returns."""
        raise _read_only("redo")

    def adopt_stale(self) -> int:
        """Draw again, on today's base, the strokes that were drawn on an earlier one; return how many."""
        raise _read_only("adopt")

    def blocked(self, level: str) -> str:
        """Return why nothing may be recorded on another level from this one, "" where it may."""
        return f"{level} is read-only"


def _read_only(got: str) -> LedgerError:
    return LedgerError(
        "this session is read-only",
        got=got,
        remedy="open the store with `iea40k annotate STORE --annotator NAME`",
    )
