"""How independent pieces of work are done: one after another by `map`, or by whoever has more cores."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Like `map`: the function's answers in the order of the items. It may call the function in other processes, so that
function, items and answers must pickle."""
