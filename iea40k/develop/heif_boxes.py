"""What the boxes of a HEIF container (ISO/IEC 23008-12: HEIC, AVIF) say, undecoded: colours, depth, damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from iea40k.errors import UnreadableImageError

_CODED = (b"hvc1", b"av01")
_ZEROS = 16
"""Zero bytes at the end of coded pixels that are no coding any more: a download that was never filled in."""


class Nclx(NamedTuple):
    """Colours by number (ITU-T H.273): primaries and transfer characteristics."""

    primaries: int
    transfer: int


@dataclass(frozen=True)
class Container:
    """What the main picture's boxes say: `nclx` (None where they do not), and bits a channel of AV1 (None for HEVC)."""

    nclx: Nclx | None
    av1_depth: int | None


@dataclass
class _Meta:
    primary: int = 0
    kinds: dict[int, bytes] | None = None
    places: dict[int, list[tuple[int, int]]] | None = None
    properties: list[tuple[bytes, bytes]] | None = None
    owners: dict[int, list[int]] | None = None


def read_container(data: bytes) -> Container:
    """Return what a HEIF file's boxes say of its main picture.

    Raises `UnreadableImageError` where coded pixels lie beyond the end of the file, or end in zeros that no coder
    writes: decoders paint the missing part, or fail without saying why.
    """
    try:
        meta = _read_meta(data)
    except (IndexError, ValueError) as error:
        raise UnreadableImageError(
            "the HEIF file's boxes are damaged",
            expected="boxes by ISO/IEC 14496-12",
            got=str(error) or type(error).__name__,
            remedy="copy or download it again",
        ) from error
    _refuse_missing(data, meta)
    properties = meta.properties or []
    own = [properties[i - 1] for i in (meta.owners or {}).get(meta.primary, []) if 0 < i <= len(properties)]
    nclx = next((b for kind, b in own if kind == b"colr" and b[:4] == b"nclx"), None)
    av1 = next((body for kind, body in properties if kind == b"av1C"), None)
    return Container(
        None if nclx is None else Nclx(_int(nclx, 4, 2), _int(nclx, 6, 2)),
        None if av1 is None else 8 if not av1[2] & 0x40 else 12 if av1[2] & 0x20 else 10,
    )


def _refuse_missing(data: bytes, meta: _Meta) -> None:
    for item, kind in (meta.kinds or {}).items():
        for start, end in (meta.places or {}).get(item, []) if kind in _CODED else ():
            tail = data[max(start, end - _ZEROS) : end]
            if end > len(data) or not any(tail):
                raise UnreadableImageError(
                    "the file is truncated",
                    expected=f"picture data up to byte {end}",
                    got=f"{len(data)} bytes" if end > len(data) else "zeros at its end",
                    remedy="copy or download it again",
                )


def _read_meta(data: bytes) -> _Meta:
    found = _Meta()
    body = next((body for kind, body in _boxes(data) if kind == b"meta"), None)
    if body is None:
        raise ValueError("no 'meta' box")
    for kind, inner in _boxes(body[4:]):
        if kind == b"pitm":
            found.primary = _int(inner, 4, 4 if inner[0] else 2)
        elif kind == b"iinf":
            found.kinds = dict(_items(inner))
        elif kind == b"iloc":
            found.places = _locations(inner)
        elif kind == b"iprp":
            for name, part in _boxes(inner):
                if name == b"ipco":
                    found.properties = list(_boxes(part))
                elif name == b"ipma":
                    found.owners = _owners(part)
    return found


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, head = _int(data, at, 4), 8
        if size == 1:
            size, head = _int(data, at + 8, 8), 16
        elif size == 0:
            size = len(data) - at
        if size < head:
            raise ValueError(f"a box of {size} bytes")
        yield data[at + 4 : at + 8], data[at + head : at + size]
        at += size


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    for kind, entry in _boxes(body[8 if body[0] else 6 :]):
        if kind == b"infe" and entry[0] >= 2:
            wide = 2 if entry[0] == 2 else 4
            yield _int(entry, 4, wide), entry[6 + wide : 10 + wide]


def _locations(body: bytes) -> dict[int, list[tuple[int, int]]]:
    version, sizes = body[0], _int(body, 4, 2)
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    count, at = _int(body, 6, wide), 6 + wide
    places: dict[int, list[tuple[int, int]]] = {}
    for _ in range(count):
        item, at = _int(body, at, wide), at + wide
        method = 0
        if version:
            method, at = body[at + 1] & 15, at + 2
        base, at = _int(body, at + 2, of_base), at + 2 + of_base
        extents, at = _int(body, at, 2), at + 2
        for _ in range(extents):
            at += of_index if version else 0
            start, at = base + _int(body, at, of_offset), at + of_offset
            length, at = _int(body, at, of_length), at + of_length
            if method == 0 and length:  # others lie within the boxes themselves
                places.setdefault(item, []).append((start, start + length))
    return places


def _owners(body: bytes) -> dict[int, list[int]]:
    wide, long = 4 if body[0] else 2, body[3] & 1
    owners: dict[int, list[int]] = {}
    count, at = _int(body, 4, 4), 8
    for _ in range(count):
        item, links, at = _int(body, at, wide), body[at + wide], at + wide + 1
        for _ in range(links):
            owners.setdefault(item, []).append(_int(body, at, 2) & 0x7FFF if long else body[at] & 0x7F)
            at += 2 if long else 1
    return owners


def _int(data: bytes, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError(f"a number at byte {at} of {len(data)}")
    return int.from_bytes(data[at : at + size], "big")
