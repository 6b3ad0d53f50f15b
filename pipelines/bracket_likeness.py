"""Whether two captures show the same from the same place, judged on small pictures by the alignment itself."""

from functools import lru_cache

from iea40k.alignment import Limits, register
from iea40k.alignment.structure import View
from iea40k.capture import Capture
from iea40k.errors import IEAError

SIDE = 192
"""Pixels of the shorter side on which captures are compared."""

LIMITS = Limits(least_votes=30)


class Likeness:
    """Callable: whether two captures lie on each other. Files that cannot be read are like nothing.

    The small picture of a file is kept while its neighbours are compared with it.
    """

    def __init__(self) -> None:
        self._view = lru_cache(maxsize=16)(_view)

    def __call__(self, first: Capture, second: Capture) -> bool:
        """Return whether the captures show the same."""
        one, other = self._view(first), self._view(second)
        if one is None or other is None or one.size != other.size:
            return False
        return register(one, other, LIMITS).reason is None


def _view(capture: Capture) -> View | None:
    from iea40k.develop import load_guarded  # late: it needs LibRaw

    try:
        picture, _ = load_guarded(capture.path, short_side=SIDE)
    except IEAError:
        return None
    return View.of(picture)
