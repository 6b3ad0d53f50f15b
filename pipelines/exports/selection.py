"""Which images of a release an export takes: by licence, and by split of one scheme."""

import pandas as pd

from iea40k.errors import BadInputError
from iea40k.store.release import Release
from pipelines.official.names import SPLIT


def chosen_images(release: Release, licences: tuple[str, ...]) -> pd.DataFrame:
    """Return the images under these licences (all where none is named), by image id.

    Raises `BadInputError` for a licence that no image has.
    """
    images = release.images
    if licences:
        there = sorted(images["licence"].unique())
        for licence in licences:
            if licence not in there:
                raise BadInputError("no image has this licence", expected=", ".join(there), got=licence)
        images = images[images["licence"].isin(licences)]
    ordered: pd.DataFrame = images.sort_values("image_id", kind="stable")
    return ordered


def scheme_of(release: Release, split: str | None) -> str:
    """Return the split scheme that is meant: the one named, else the published one, else the first.

    Raises `BadInputError` where the release has no such scheme.
    """
    names = release.split_schemes
    name = split or (SPLIT if SPLIT in names else names[0])
    if name not in names:
        raise BadInputError("the release has no such split scheme", expected=", ".join(names), got=name)
    return name


def splits_of(release: Release, scheme: str) -> dict[str, str]:
    """Return the split of every scene in a scheme, "" where it is in none."""
    return dict(zip(release.splits["scene_id"], release.splits[scheme], strict=True))
