"""What an exception means for a run over many items: it costs one item, or it would cost every one."""

import traceback
from pathlib import Path

from iea40k.errors import DiskError, IEAError, MissingExtraError
from iea40k.extras import explained


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
    return IEAError(
        "it does not fit into memory" if isinstance(error, MemoryError) else "an unexpected error",
        got=f"{type(error).__name__}: {error}{last}",
        remedy="please report it with this message; the others are not concerned",
    )
