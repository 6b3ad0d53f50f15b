"""Long work says how far it is: who does it takes a `Progress`, and a window shows it by napari's own bars."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Step = Callable[[], None]
"""Call it after each part, in the thread that began the work."""

Progress = Callable[[str, int], AbstractContextManager[Step]]
"""Begin work: what is done, and in how many parts, 0 where nobody knows. It is over when the block ends."""


@contextlib.contextmanager
def silent(_text: str, _total: int) -> Iterator[Step]:
    """Work without anybody looking."""
    yield lambda: None
