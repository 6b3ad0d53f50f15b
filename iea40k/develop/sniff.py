"""What a file is, by its first bytes and its TIFF tags; names lie."""

from pathlib import Path

import tifffile

from iea40k.errors import UnreadableImageError

_RENDERED = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RAW_SUFFIXES = frozenset(
    {
        ".3fr",
        ".ari",
        ".arw",
        ".bay",
        ".cap",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dcs",
        ".dng",
        ".erf",
        ".fff",
        ".gpr",
    }
    | {
        ".iiq",
        ".k25",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
    }
    | {".sr2", ".srf", ".srw", ".x3f"}
)
_CFA, _LINEAR_RAW = 32803, 34892


def is_raw(path: Path) -> bool:
    """Return whether a file is a RAW photograph for LibRaw rather than a JPEG, PNG or TIFF picture.

    Raises `UnreadableImageError` for a rendered picture that calls itself RAW.
    """
    with path.open("rb") as stream:
        head = stream.read(16)
    named_raw = path.suffix.lower() in _RAW_SUFFIXES
    if head.startswith(_RENDERED):
        if named_raw:
            kind = "JPEG" if head.startswith(b"\xff\xd8") else "PNG"
            raise UnreadableImageError(
                "the file is not what its name says",
                expected=f"a RAW file, by its name {path.suffix}",
                got=f"a {kind} picture",
                remedy="give it its right suffix, and kind 'rendered' in the manifest",
            )
        return False
    if head.startswith(_TIFF):
        return named_raw or _has_raw_tags(path)
    return named_raw or path.suffix.lower() not in (".jpg", ".jpeg", ".png", ".tif", ".tiff")


def _has_raw_tags(path: Path) -> bool:
    try:
        with tifffile.TiffFile(path) as tiff:
            tags = tiff.pages.first.tags
            return 50706 in tags or any(tags.valueof(262) == kind for kind in (_CFA, _LINEAR_RAW))
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError):
        return False
