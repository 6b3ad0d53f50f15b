"""The images of a split of a release, read shard by shard without zarr-python."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.errors import BadInputError
from iea40k.model.data.samples import WHOLE, Pixels, Sample
from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE
from iea40k.store.release import Release
from iea40k.store.shards import ShardedArray
from iea40k.uncertainty import sd_of

GROUPS = ("level", "super_class", "scene_class", "light", "device", "source", "kind")
"""Columns of the release's images that evaluation groups by."""


class ReleaseSamples:
    """Implements `Samples` for the images of `split` ("train", "valid", "test") of `scheme` in a release.

    `levels` keeps only those levels, e.g. ("N2", ..., "P2"). `references` keeps, of scenes whose exposures were
    simulated, the one at EV 0 alone: the others can be rendered from it. `scenes`: the images of these scenes, whatever
    their split; `scheme` and `split` are words for messages then. `pictures`: the reference is read with each image.
    Raises `BadInputError` where nothing is left.
    The disagreement of a pixel is the larger of its label's uncertainty and of the annotators' own.
    """

    def __init__(
        self,
        release: Release,
        scheme: str,
        split: str,
        levels: Sequence[str] = (),
        *,
        references: bool = False,
        scenes: Collection[str] | None = None,
        pictures: bool = False,
    ) -> None:
        rows = release.images_of(scheme, split) if scenes is None else release.images
        if scenes is not None:
            rows = rows[rows["scene_id"].isin(scenes)]
        if levels:
            rows = rows[rows["level"].isin(levels)]
        if references:
            rows = rows[(rows["kind"] == "bracket") | (rows["ev"] == 0)]
        rows = rows[rows["valid_fraction"] > 0]
        if rows.empty:
            raise BadInputError(
                "no image of the release is in this split",
                where=release.where,
                got=f"{split} of {scheme}" + (f", levels {', '.join(levels)}" if levels else ""),
                remedy="a release of very few scenes can leave a split empty; name another split or scheme",
            )
        self.samples = tuple(
            Sample(
                scene_id=row["scene_id"],
                level=row["level"],
                ev=float(row["ev"]),
                shape=(int(row["height"]), int(row["width"])),
                groups={name: str(row[name]) for name in GROUPS if row[name]},
            )
            for row in rows.to_dict("records")
        )
        places = zip(rows["frame"], rows["index"], rows["scene_index"], strict=True)
        self._places = [(str(frame), int(image), int(scene)) for frame, image, scene in places]
        self._pictures = pictures
        self._of_scenes = release.uncertainty_is_of_scenes
        self._arrays = {
            (frame, name): release.array(frame, name)
            for frame in sorted(set(rows["frame"]))
            for name in ("exposures", "residual", "spread", "uncertainty", "reference")
            if release.has_array(frame, name)
        }

    def read(self, number: int, rows: slice = WHOLE, columns: slice = WHOLE) -> Pixels:
        """Return a window of image `number`."""
        frame, image, scene = self._places[number]
        known = []
        if (frame, "spread") in self._arrays:
            known.append(self._array(frame, "spread").read(image, rows, columns))
        if (frame, "uncertainty") in self._arrays:
            entry = scene if self._of_scenes else image
            known.append(_as_spread(self._array(frame, "uncertainty").read(entry, rows, columns)))
        return Pixels(
            self._array(frame, "exposures").read(image, rows, columns),
            self._array(frame, "residual").read(image, rows, columns),
            _larger(known),
            self._array(frame, "reference").read(scene, rows, columns) if self._pictures else None,
        )

    def _array(self, frame: str, name: str) -> ShardedArray:
        return self._arrays[frame, name]


def _as_spread(codes: NDArray[Any]) -> NDArray[np.uint16]:
    """Return what a release holds of uncertainty in the unit of spreads: luma x 32640, 65535 where unknown."""
    if codes.dtype == np.uint16:  # a release of format 1: the experts' spread itself
        return codes
    sd = sd_of(codes)
    unknown = np.isnan(sd)
    spread: NDArray[np.uint16] = np.rint(np.where(unknown, 0, sd) * UNCERTAINTY_SCALE).astype(np.uint16)
    spread[unknown] = NO_UNCERTAINTY
    return spread


def _larger(known: list[NDArray[np.uint16]]) -> NDArray[np.uint16] | None:
    """Return the larger of the known values of each pixel; 65535 where none is known."""
    if len(known) < 2:
        return known[0] if known else None
    first, second = known
    larger = np.maximum(first, second)
    both = (first != NO_UNCERTAINTY) & (second != NO_UNCERTAINTY)
    return np.where(both, larger, np.minimum(first, second)).astype(np.uint16)
