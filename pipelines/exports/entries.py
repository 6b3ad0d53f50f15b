"""Entries of a release's arrays on their way out: compared with the digests that the release has of them."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from iea40k.errors import CorruptDataError
from iea40k.store.digests import array_digest
from iea40k.store.release import Release

_ARRAYS = {"exposure": "exposures", "residual": "residual"}


def checked_entry(release: Release, row: Mapping[Any, Any], what: str) -> NDArray[Any]:
    """Return the "exposure" or "residual" (stored codes) of the image of a row of `release.images`.

    Raises `CorruptDataError` where its pixels are not those that were published.
    """
    array: NDArray[Any] = release.array(str(row["frame"]), _ARRAYS[what])[int(row["index"])]
    expected, found = str(row[f"sha256_{what}"]), array_digest(array)
    if found != expected:
        raise CorruptDataError(
            f"{what} of {row['image_id']}: the pixels are not those that were published",
            where=release.where,
            expected=f"sha256 {expected}",
            got=found,
            remedy="`iea40k verify RELEASE` names the file; fetch it again",
        )
    return array
