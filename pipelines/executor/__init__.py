"""Where independent pieces of work run: in this process, on this machine's cores, or on a Dask cluster.

    with open_executor(Workers(count=8)) as executor:
        for item, answer in executor.unordered(function, items): ...

A function must be one of a module, its items and answers must pickle, and an answer must not depend on where or in
which order it was made. One worker means this process, and needs no Dask.
"""

import contextlib
from collections.abc import Iterator

from pipelines.executor.base import MALLOC, Executor, InProcess, Lost, Workers

__all__ = ["MALLOC", "Executor", "InProcess", "Lost", "Workers", "open_executor"]


@contextlib.contextmanager
def open_executor(workers: Workers | None = None) -> Iterator[Executor]:
    """Yield an executor; its processes end with the context.

    Raises `BadInputError` where no scheduler answers, or where it or a worker is of another version.
    """
    wanted = workers or Workers()
    if wanted.scheduler is None and wanted.count == 1:
        yield InProcess()
        return
    from pipelines.executor.cluster import open_cluster  # late: it needs Dask

    with open_cluster(wanted) as cluster:
        yield cluster
