"""What a task brings: a base, and the strokes that stand on it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from annotator.shared.boxes import Box
from annotator.shared.origin import Origin
from annotator.shared.strokes import Draft, Drawn, drawn_by
from iea40k.arrays import Validity
from iea40k.store.ledger import Lease, MapKey, history

CONSENSUS, BASE = "consensus", "base"


@dataclass(eq=False, kw_only=True)
class Work(ABC, Generic[Drawn]):
    """An image or a reference that is open.

    `strokes` are this map's, recorded or still in the outbox, in the order drawn; `stale` those drawn on an earlier
    base, which are not applied. `counts` (H, W) uint16: how many standing strokes touched a pixel. `lease` is None
    where the work is looked at only.
    """

    key: MapKey
    lease: Lease | None
    origin: Origin
    strokes: list[Drawn] = field(default_factory=list)
    counts: NDArray[np.uint16] = field(init=False)
    stale: tuple[Drawn, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        self.replay()

    @property
    def level(self) -> str:
        """The level under work; the ledger keeps zone edits under one of their own."""
        return self.key.level

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.origin.shape

    @property
    def standing(self) -> int:
        """How many strokes stand."""
        return len(history(self.strokes).standing)

    @property
    def touched(self) -> Validity:
        """The pixels that a standing stroke touched."""
        touched: Validity = self.counts > 0
        return touched

    def touched_in(self, box: Box) -> Validity:
        """Return the pixels of a box that a standing stroke touched."""
        touched: Validity = self.counts[box] > 0
        return touched

    def add(self, draft: Drawn, *, shown: bool = False) -> Box | None:
        """Take a recorded stroke into account: draw it, or take back what it undoes; return what changed.

        None stands for all of it. Exactly what `replay` gives, at the cost of the stroke's box. `shown`: what it draws
        is there already.
        """
        self.strokes.append(draft)
        stroke, forward = drawn_by(draft, self.strokes)
        if (
            stroke is None
            or draft.supersedes
            or stroke.base_digest != self.base_digest
            or stroke.kind == "clear"
        ):
            self.replay()
            return None
        return self.draw(stroke, forward=forward, shown=shown)

    def count(self, reached: Iterable[tuple[Box, Validity] | None]) -> None:
        """Count anew the standing strokes by their boxes and pixels; None is one that takes everything back."""
        self.counts = np.zeros(self.shape, np.uint16)
        for found in reached:
            if found is None:
                self.counts[...] = 0
            else:
                self.counts[found[0]] += found[1]

    # ------------------------------------------------------------ what each kind says

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in words."""

    @property
    @abstractmethod
    def base_digest(self) -> str:
        """The digest of the base: strokes say which base they were drawn on."""

    @abstractmethod
    def draw(self, stroke: Drawn, *, forward: bool, shown: bool) -> Box:
        """Draw a stroke, or (not `forward`) take it back; return its box. `shown`: it is drawn already."""

    @abstractmethod
    def replay(self) -> None:
        """Compute everything anew from the base and every stroke."""

    @abstractmethod
    def owns(self, draft: Draft) -> bool:
        """Return whether a stroke belongs to this work, or to what it is propagated to."""

    @abstractmethod
    def step(self, *, redo: bool) -> Sequence[Drawn]:
        """Return the drafts that take the last step back, or bring it again; empty where there is none."""

    @abstractmethod
    def clear(self) -> Drawn:
        """Return the draft that takes everything back to the base."""

    @abstractmethod
    def renewed(self) -> Iterator[Drawn | None]:
        """Yield, for each stale stroke, the draft that draws it again on today's base; None where there is nothing."""

    @abstractmethod
    def versions(self, keys: Iterable[MapKey]) -> Mapping[str, Any]:
        """Return the versions that a reviewer compares, by name: each person's, their consensus, the base."""

    @abstractmethod
    def taken_over(self, version: Any) -> Sequence[Drawn]:
        """Return the drafts that make a version one's own, as one step."""
