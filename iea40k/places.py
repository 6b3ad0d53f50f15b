"""Where something lies: in a folder, or at an address such as https://host/release or s3://bucket/release."""

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_ADDRESS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):[/\\]+(.*)$", re.DOTALL)
"""A scheme of two letters at least: one letter is a drive of Windows."""


def address_of(place: str | Path) -> str | None:
    """Return the address that a place is, None for a folder.

    A `Path` writes the two slashes after a scheme as one; they are put back.

    >>> address_of("https://example.org/release/")
    'https://example.org/release'
    >>> address_of(Path("s3://bucket/release"))
    's3://bucket/release'
    >>> address_of("C:\\\\releases\\\\1.0.0") is None
    True
    """
    found = _ADDRESS.match(str(place))
    if found is None:
        return None
    scheme, rest = found[1].lower(), found[2].replace("\\", "/")
    path, mark, query = rest.partition("?")
    return f"{scheme}://{'/' if scheme == 'file' else ''}{path.rstrip('/')}{mark}{query}"


def below(address: str, name: str) -> str:
    """Return the address of the file `name` below an address; what follows a "?" (a token, say) stays at the end.

    >>> below("https://example.org/release?key=1", "release.json")
    'https://example.org/release/release.json?key=1'
    """
    path, mark, query = address.partition("?")
    return f"{path}/{name}{mark}{query}"


def shown(address: str) -> str:
    """Return an address as people may see it: without passwords and tokens.

    >>> shown("https://me:secret@example.org/release?token=1")
    'https://example.org/release'
    """
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def name_of(place: str | Path) -> str:
    """Return a place as people may see it."""
    address = address_of(place)
    return str(place) if address is None else shown(address)
