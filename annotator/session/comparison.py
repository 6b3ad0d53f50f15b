"""Which versions a reviewer sees: the one on the left is judged, the one on the right is compared with it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from annotator.shared.display import following
from annotator.shared.work import BASE, CONSENSUS

OWN = ""
"""The reviewer's own map, which may be painted."""


class Comparison:
    """The names on the left and on the right, of those that there are."""

    def __init__(self) -> None:
        self.left = self.right = OWN
        self.names: tuple[str, ...] = ()

    def reset(self, names: Sequence[str], left: str | None = None) -> None:
        """Begin with another image: `left`, or the first version, on the left; on the right what was, or the base."""
        self.names = tuple(names)
        self.left = left if left is not None else self.names[0] if len(self.names) > 1 else OWN
        if self.right not in self.names:
            self.right = self.names[-1] if self.names else OWN

    def choose(self, left: str | None = None, right: str | None = None) -> None:
        """Choose the versions on the left and on the right; None leaves one as it is."""
        self.left = self.left if left is None else left
        self.right = self.right if right is None else right

    def next(self, side: Literal["left", "right"]) -> None:
        """Take the next version on a side; one's own is among those on the left."""
        if side == "left" and self.names:
            self.left = following((*self.names, OWN), self.left)
        elif self.names:
            self.right = following(self.names, self.right)

    def person(self) -> str | None:
        """Return the person whose version is judged, None where it is nobody's."""
        return self.left if self.left in self.names and self.left not in (CONSENSUS, BASE) else None

    def shown(self, versions: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the versions on the left and on the right, None for one's own."""
        return versions.get(self.left), versions.get(self.right)
