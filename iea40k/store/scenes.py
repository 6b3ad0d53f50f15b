"""One scene on disk, read: a Zarr v3 group with its arrays, and in its attributes all that is known of it.

`exposures` (E, H, W, 3) uint8, `reference` (H, W, 3) uint8, `residual` (E, H, W) int16, `outliers` (E, H, W)
uint8 and, where it is known, `uncertainty` (E, H, W) uint8. One exposure is one inner chunk, one array one shard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes
from iea40k.errors import CorruptDataError, IEAError, NotThereError, StoreError
from iea40k.files import AnyPath, read_plain_file
from iea40k.scene import BuiltScene
from iea40k.store.digests import array_digest
from iea40k.store.shards import ShardedArray
from iea40k.texts import parse_json
from iea40k.uncertainty import codes_of, sd_of_experts_spread

FORMAT = "iea40k-scene"
FORMAT_VERSION = 2
READABLE = (1, 2)
"""Format 1 held the spread of the experts' luma of the reference, (H, W) uint16, in place of each label's
uncertainty."""

_MOST = 1 << 26
"""Bytes of a scene's metadata, at most."""

PER_EXPOSURE = ("exposures", "residual", "outliers")
WHERE_KNOWN = "uncertainty"

Digests = Mapping[str, Any]
"""`exposures`, `residual`, `outliers`, `uncertainty`: a digest a level; `reference` (and `uncertainty` in
format 1): one."""


@dataclass(frozen=True)
class StoredScene:
    """A scene in a store, read only as far as asked: attributes at once, pixels on demand.

    `digests["residual"]["N4"]` is the sha256 of that level's frame (see `array_digest`); `reference` has one
    digest. Frames are checked against them as they are read: `CorruptDataError`.
    """

    folder: Path
    scene_id: str
    shape: tuple[int, int]
    evs: tuple[float, ...]
    levels: tuple[str, ...]
    review_priority: tuple[float, ...]
    attributes: Mapping[str, Any]
    recipe: Mapping[str, Any]
    recipe_digest: str
    digests: Digests

    def exposure(self, level: str) -> EncodedRGB:
        """Return the exposure of a level: (H, W, 3) uint8, sRGB-encoded."""
        return self._frame("exposures", level)

    def residual(self, level: str) -> ResidualCodes:
        """Return the base residual of a level: (H, W) int16 codes."""
        return self._frame("residual", level)

    def outliers(self, level: str) -> OutlierFlags:
        """Return the outlier flags of a level: (H, W) uint8 bit flags."""
        return self._frame("outliers", level)

    def reference(self) -> EncodedRGB:
        """Return the reference: (H, W, 3) uint8, sRGB-encoded."""
        return self._whole("reference")

    def as_shot(self) -> EncodedRGB | None:
        """Return EV 0 before it got the contrast of its retouch: (H, W, 3) uint8, None where it was not changed."""
        return self._whole("as_shot") if "as_shot" in self.digests else None

    @property
    def has_uncertainty(self) -> bool:
        """Whether the uncertainty of the labels is known."""
        return WHERE_KNOWN in self.digests

    def uncertainty(self, level: str) -> NDArray[np.uint8] | None:
        """Return the uncertainty of a level's label: (H, W) uint8 codes (see `iea40k.uncertainty`), None where unknown.

        Of a scene of format 1 it is the experts' spread alone.
        """
        if not self.has_uncertainty:
            return None
        if isinstance(self.digests[WHERE_KNOWN], str):
            return codes_of(sd_of_experts_spread(self._whole(WHERE_KNOWN)))
        return self._frame(WHERE_KNOWN, level)

    def load(self) -> BuiltScene:
        """Return the whole scene, every array checked against its digest."""
        arrays = {
            name: np.stack([self._frame(name, level) for level in self.levels]) for name in PER_EXPOSURE
        }
        uncertainty = [codes for level in self.levels if (codes := self.uncertainty(level)) is not None]
        return BuiltScene(
            scene_id=self.scene_id,
            reference=self.reference(),
            evs=self.evs,
            levels=self.levels,
            review_priority=self.review_priority,
            attributes=self.attributes,
            recipe=self.recipe,
            uncertainty=np.stack(uncertainty) if uncertainty else None,
            as_shot=self.as_shot(),
            **arrays,
        )

    def _frame(self, name: str, level: str) -> NDArray[Any]:
        if level not in self.levels:
            raise NotThereError(
                "the scene has no such level",
                where=self.folder,
                expected=", ".join(self.levels),
                got=level,
            )
        frame = ShardedArray(self.folder / name)[self.levels.index(level)]
        return self._checked(frame, name, level)

    def _whole(self, name: str) -> NDArray[Any]:
        return self._checked(ShardedArray(self.folder / name).whole(), name, "")

    def _checked(self, array: NDArray[Any], name: str, level: str) -> NDArray[Any]:
        expected, found = self._digest(name, level), array_digest(array)
        if found != expected:
            raise CorruptDataError(
                f"{name}{f' of {level}' if level else ''}: the stored pixels are not those that were written",
                where=self.folder / name,
                expected=f"sha256 {expected}",
                got=f"sha256 {found}",
                remedy="restore the scene from a copy, or discard and build it again",
            )
        return array

    def _digest(self, name: str, level: str) -> str:
        of_name = self.digests.get(name)
        found = of_name.get(level) if level and isinstance(of_name, Mapping) else of_name
        if not isinstance(found, str):
            raise CorruptDataError(
                f"the scene has no digest of {name}{f' of {level}' if level else ''}: nothing says what was written",
                where=self.folder / "zarr.json",
                expected="a sha256 of every level of every array",
                got="none" if found is None else repr(found)[:80],
                remedy="restore the scene from a copy, or discard and build it again",
            )
        return found


def open_scene(folder: AnyPath) -> StoredScene:
    """Return what a scene's attributes say. Raises `StoreError` where it is absent or of a newer format."""
    folder = Path(folder)
    attributes = read_attributes(folder)
    try:
        _check_kinds(attributes)
        return StoredScene(
            folder=folder,
            scene_id=attributes["scene_id"],
            shape=(attributes["height"], attributes["width"]),
            evs=tuple(attributes["evs"]),
            levels=tuple(attributes["levels"]),
            review_priority=tuple(attributes["suspicion"]),
            attributes=attributes["attributes"],
            recipe=attributes["recipe"],
            recipe_digest=attributes["recipe_digest"],
            digests=attributes["digests"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptDataError(
            "the scene's attributes are not complete", where=folder, got=str(error)
        ) from error


def _check_kinds(attributes: Mapping[str, Any]) -> None:
    """Raise `KeyError` or `ValueError` unless a scene's attributes are of the kinds that readers count on."""
    kinds: dict[str, type] = {
        "scene_id": str, "height": int, "width": int, "attributes": dict, "recipe": dict, "recipe_digest": str,
        "digests": dict, "evs": list, "levels": list, "suspicion": list,
    }  # fmt: skip
    for name, kind in kinds.items():
        if not isinstance(attributes[name], kind) or isinstance(attributes[name], bool):
            raise ValueError(f"{name} is {attributes[name]!r}"[:200])
    evs, levels, priorities = attributes["evs"], attributes["levels"], attributes["suspicion"]
    numbers = all(type(value) in (int, float) and abs(value) < 1e6 for value in (*evs, *priorities))
    if not numbers or not all(isinstance(level, str) for level in levels):
        raise ValueError("evs and suspicion are numbers, levels are names")
    if not levels or not len(evs) == len(levels) == len(priorities) or len(set(levels)) != len(levels):
        raise ValueError(f"{len(evs)} evs, levels {levels}, {len(priorities)} numbers of suspicion"[:200])


def read_attributes(folder: Path) -> dict[str, Any]:
    """Return the attributes of the scene in `folder`. Raises `StoreError` or `CorruptDataError`."""
    file = folder / "zarr.json"
    try:
        attributes = parse_json(read_plain_file(file, _MOST))["attributes"]
    except FileNotFoundError as error:
        raise NotThereError(
            "there is no such scene", where=folder, remedy="see which there are with `iea40k status`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDataError("the scene's metadata cannot be read", where=file, got=str(error)) from error
    if not isinstance(attributes, dict) or attributes.get("format") != FORMAT:
        raise CorruptDataError("not a scene of a store", where=file, expected=f'"format": "{FORMAT}"')
    if attributes.get("format_version") not in READABLE:
        raise newer_format(file, FORMAT_VERSION, attributes.get("format_version"))
    return attributes


def newer_format(where: str | Path, known: int, found: object) -> IEAError:
    """Return the error for something written in a format that this version cannot read."""
    return StoreError(
        "this was written in a format that this version of iea40k does not know",
        where=where,
        expected=f"format version {known}",
        got=str(found),
        remedy="install a newer iea40k",
    )
