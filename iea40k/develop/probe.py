"""What a file is, by its first bytes: the kind decides who reads it, and a name that lies is refused."""

import errno
from pathlib import Path
from typing import Literal

from iea40k.errors import BadInputError, UnreadableImageError
from iea40k.files import AnyPath, refuse_special

FileKind = Literal["jpeg", "png", "tiff", "heic", "avif", "raw", "headerless"]
"""`raw`: a container that names its camera; `headerless`: named like RAW, with nothing inside that says what it is."""

RAW_SUFFIXES = frozenset({
    ".3fr", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25",
    ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf",
    ".srw", ".x3f",
})  # fmt: skip
"""Suffixes of RAW files, lower case."""

_SUFFIXES = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".jpe": "jpeg", ".png": "png", ".tif": "tiff", ".tiff": "tiff",
    ".heic": "heic", ".heif": "heic", ".hif": "heic", ".avif": "avif",
}  # fmt: skip
RENDERED_SUFFIXES = frozenset(_SUFFIXES)
"""Suffixes of rendered files, lower case."""

PICTURE_SUFFIXES = RAW_SUFFIXES | RENDERED_SUFFIXES | {
    ".avif", ".bmp", ".exr", ".gif", ".hdr", ".heic", ".heif", ".jp2", ".jxl", ".pbm", ".pgm", ".ppm", ".psd", ".webp",
}  # fmt: skip
"""Suffixes of whatever people call a picture, lower case: those that are read, and those that are refused by name."""

MOST_BYTES = 1 << 32
"""Bytes of a picture's file, at most: what a TIFF can address."""

# First bytes of RAW containers that are no TIFF. All of them name the camera inside.
_RAW_MAGIC = (
    (6, b"HEAPCCDR"),  # Canon CRW
    (4, b"ftypcrx "),  # Canon CR3
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"IIRO"), (0, b"IIRS"), (0, b"MMOR"),  # Olympus
    (0, b"IIU\0"),  # Panasonic
    (0, b"FOVb"),  # Sigma
    (0, b"\0MRM"),  # Minolta
    (0, b"IIII"), (0, b"MMMM"),  # Phase One
    (0, b"ARRI"), (0, b"NOKIARAW"), (0, b"qktk"), (0, b"qktn"),
)  # fmt: skip
# Brands of HEIF (ISO/IEC 23008-12): the coder that the main picture needs, where the first brand says so.
_HEVC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_AV1 = (b"avif", b"avis")
_OTHERS = (
    (b"GIF8", "a GIF"), (b"RIFF", "a WebP or other RIFF file"), (b"BM", "a BMP"), (b"%PDF", "a PDF"),
    (b"#?RADIANCE", "a Radiance HDR"), (b"v/1\x01", "an OpenEXR"), (b"PK\x03\x04", "a ZIP archive"),
)  # fmt: skip


def probe(path: AnyPath) -> FileKind:
    """Return the kind of the file at `path`.

    Raises `UnreadableImageError` for missing, empty, unreadable, unknown and mislabelled files: a suffix that says
    JPEG, PNG, TIFF, HEIC, AVIF or RAW must be true.
    """
    path = Path(path)
    head = _head(path)
    suffix = path.suffix.lower()
    found = _kind(head, suffix, path)
    named = "raw" if suffix in RAW_SUFFIXES else _SUFFIXES.get(suffix)
    if named is not None and named != found.replace("headerless", "raw"):
        raise UnreadableImageError(
            "the file is not what its name says",
            where=path,
            expected=f"{'an' if named == 'raw' else 'a'} {named.upper()} file, as {suffix} promises",
            got=f"a {found.upper()} file",
            remedy="give it its true suffix, or replace it with the file that was meant",
        )
    return found


def is_raw(path: AnyPath) -> bool:
    """Return whether the file at `path` is a RAW file; raises as `probe` does."""
    path = Path(path)
    return probe(path) in ("raw", "headerless")


def _head(path: Path) -> bytes:
    try:
        refuse_special(path)
        if (size := path.stat().st_size) > MOST_BYTES:
            raise BadInputError(
                "the file is too large for a photograph",
                expected=f"at most {MOST_BYTES / 1e9:.1f} GB",
                got=f"{size / 1e9:.1f} GB",
            )
        with path.open("rb") as stream:
            head = stream.read(64)
    except BadInputError as error:
        raise UnreadableImageError(error.what, where=path, expected=error.expected, got=error.got) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        what = {errno.ENOENT: "no such file", errno.EISDIR: "this is a folder"}.get(
            getattr(error, "errno", 0), "the file cannot be opened"
        )
        raise UnreadableImageError(
            what, where=path, got=getattr(error, "strerror", "") or str(error)
        ) from error
    if not head:
        raise UnreadableImageError(
            "the file is empty", where=path, got="0 bytes", remedy="copy or download it again"
        )
    return head


def _kind(head: bytes, suffix: str, path: Path) -> FileKind:
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if any(head[at : at + len(magic)] == magic for at, magic in _RAW_MAGIC):
        return "raw"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        # Most RAW files are TIFFs inside, and only a DNG says so in a way that needs no maker's knowledge.
        return "raw" if suffix in RAW_SUFFIXES or _is_dng(path) else "tiff"
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(_length(head), len(head)), 4))]
        if any(brand in _AV1 for brand in brands):
            return "avif"
        if any(brand in _HEVC for brand in brands):
            return "heic"
    other = next((name for magic, name in _OTHERS if head.startswith(magic)), None)
    if suffix in RAW_SUFFIXES and other is None:
        return "headerless"
    raise UnreadableImageError(
        "the file is of a kind that cannot be read",
        where=path,
        expected="RAW, JPEG, PNG, TIFF, HEIC or AVIF",
        got=other or f"first bytes {head[:8].hex(' ')}",
        remedy="convert it to PNG or 16-bit TIFF with its colour profile embedded",
    )


def _length(head: bytes) -> int:
    return int.from_bytes(head[:4], "big")


def _is_dng(path: Path) -> bool:
    from iea40k.develop.tiff_tags import first_tags

    return 50706 in first_tags(path)
