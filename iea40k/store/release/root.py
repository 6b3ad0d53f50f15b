"""The root digest of a release: one number that stands for every byte, row and attribute of it.

It is the sha256 of release.json, which holds the sha256 of SHA256SUMS, which holds that of every other file. The
release carries it in `ROOT.sha256` (`sha256sum -c ROOT.sha256`); a forger can write that anew, so it proves something
only to those who noted it elsewhere, or who check a signature over release.json.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from iea40k.errors import BadInputError, CorruptDataError, IEAError
from iea40k.files import is_plain_file, read_plain_file, sha256_file
from iea40k.store.release.content import HEAD, ROOT

_DIGEST = re.compile(r"^(?:sha256:)?([0-9a-f]{64})$", re.IGNORECASE)


def parse_root(text: str) -> str:
    """Return a root digest that a person noted: 64 hex digits, also after "sha256:". Raises `BadInputError`."""
    found = _DIGEST.fullmatch(text.strip())
    if found is None:
        raise BadInputError(
            "not a root digest",
            expected="64 hex digits, as `iea40k release` and `iea40k verify` print them",
            got=repr(text),
        )
    return found[1].lower()


def root_digest(path: Path) -> str:
    """Return the root digest of the release at `path`, computed from its release.json."""
    return sha256_file(path / HEAD)


def root_line(digest: str) -> str:
    """Return what `ROOT.sha256` says of a digest."""
    return f"{digest}  {HEAD}\n"


def carried_root(path: Path) -> str | None:
    """Return the root digest that the release carries; None for one that was made before there were any.

    Raises `CorruptDataError` where the file does not hold one.
    """
    if not is_plain_file(path / ROOT):
        return None
    line = read_plain_file(path / ROOT, limit=1000).decode("utf-8", errors="replace")
    digest = line.partition(" ")[0]
    if line != root_line(digest) or _DIGEST.fullmatch(digest) is None:
        raise CorruptDataError(
            "not a root digest", where=path / ROOT, expected=root_line("HEX").strip(), got=line[:90]
        )
    return digest


def root_problems(path: Path, *, carries: bool, noted: str | None = None) -> Iterator[IEAError]:
    """Yield what is wrong with a release's root digest. `noted` is what a person kept elsewhere.

    `carries` says whether release.json promises a `ROOT.sha256`.
    """
    found = root_digest(path)
    if noted is not None and noted != found:
        yield CorruptDataError(
            "this is not the release whose root digest was noted",
            where=path / HEAD,
            expected=f"root digest {noted}",
            got=found,
            remedy="fetch the release again from where it was published",
        )
    try:
        carried = carried_root(path)
    except CorruptDataError as error:
        yield error
        return
    if carried is None and carries:
        yield CorruptDataError("the root digest is missing", where=path / ROOT)
    elif carried is not None and carried != found:
        yield CorruptDataError(
            f"{HEAD} is not what the release was published with",
            where=path / HEAD,
            expected=f"root digest {carried}, as {ROOT} says",
            got=found,
        )
