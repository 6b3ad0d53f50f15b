"""What an exception means for a run over many items: it costs one item, or it would cost every one."""

import traceback
from pathlib import Path

from iea40k.errors import DiskError, IEAError, LimitError, MissingExtraError
from iea40k.extras import explained
from iea40k.isolation import out_of_memory


def item_fault(error: Exception) -> IEAError:
    """Return what an exception says of one item. A full disk or a missing library is raised: all would meet it.

    A fault of ours or of a library becomes an error that names it, so that the other items go on.
    """
    absent = explained(error)
    if absent is not None:
        raise absent from error
    if isinstance(error, DiskError | MissingExtraError):
        raise error
    if isinstance(error, IEAError):
        return error
    trace = traceback.extract_tb(error.__traceback__)
    last = f" ({Path(trace[-1].filename).name}, line {trace[-1].lineno})" if trace else ""
    kind, what = (
        (LimitError, "it does not fit into memory")
        if out_of_memory(error)
        else (IEAError, "an unexpected error")
    )
    return kind(
        what,
        got=f"{type(error).__name__}: {error}{last}",
        remedy="please report it with this message; the others are not concerned",
    )
