"""A release on a server, whole on this disk for as long as it is verified: every byte is to be read anyway."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from iea40k.errors import IEAError, Place
from iea40k.files import AnyPath
from iea40k.places import address_of, name_of
from iea40k.store.remote.cache import Cache
from iea40k.store.remote.copying import copy_release


@contextlib.contextmanager
def on_this_disk(
    place: AnyPath, progress: Callable[[int, int, str], None]
) -> Iterator[tuple[Path, list[IEAError]]]:
    """Yield the folder of a release, and what its server does not give as published.

    Of a release at an address that is a copy in the cache, removed at the end; a stopped copy is gone on with.
    """
    address = address_of(place)
    if address is None:
        yield Path(place), []
        return
    folder = Cache().folder / "verifying" / hashlib.sha256(address.encode()).hexdigest()[:32]
    shutil.rmtree(folder, ignore_errors=True)  # a copy that was whole, of a run that was killed
    report = copy_release(address, folder, progress=progress)
    try:
        yield folder, report.problems
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seen_from(problem: IEAError, folder: Path, place: AnyPath) -> IEAError:
    """Return a problem of the copy in `folder` as one of `place`."""
    if address_of(place) is None or problem.where is None:
        return problem
    text = str(problem.where.file if isinstance(problem.where, Place) else problem.where)
    told = text.replace(str(folder), name_of(address_of(place) or place))
    if isinstance(problem.where, Place):
        problem.where = Place(told, problem.where.line, problem.where.column)
    else:
        problem.where = told
    problem.args = (str(problem),)
    return problem
