"""The nouns: a scene as planned (`Scene`, from a manifest row) and as built (`BuiltScene`, into the store).

A scene is one composition: the unit of work, of retry and of splits. Its exposures differ by `ev` stops
relative to the as-shot frame (+ = brighter) and are named by level: N4 ... N1, P0, P1 ... P4 for whole stops,
"N1.5" or "P0.33" between them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import (
    EncodedRGB,
    OutlierFlags,
    ResidualCodes,
    check_codes,
    check_encoded,
)
from iea40k.errors import ArrayError, BadInputError

LADDER: tuple[float, ...] = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
"""The nine simulated exposures of a scene, in stops."""

Kind = Literal["raw", "rendered", "bracket"]
"""`raw`: exposures simulated from one RAW file; `rendered`: from one JPEG, PNG or TIFF; `bracket`: captured."""

UNCERTAINTY_SCALE = 32640
"""Codes a unit of luma of a spread, the residual's own scale."""

NO_UNCERTAINTY = 65535
"""The code of a spread where none is known (one expert, or no valid data)."""

NEAR_LEVEL = 0.05
"""Stops from a whole one within which a captured exposure has its name: what shutters round to. Its EV stays exact."""

_LEVEL = re.compile(r"^([NP])(\d+(?:\.\d{1,2})?)$")
_LONGEST_ID, _LONGEST_ID_BYTES = 128, 200
"""Of a scene id in characters and in UTF-8: with what is added to it, it stays within the 255 bytes of a file name."""
_WINDOWS_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{p}{i}" for p in ("com", "lpt") for i in range(1, 10))}
)


def level_name(ev: float) -> str:
    """Return the level's name: -4 -> "N4", 0 -> "P0", 1.5 -> "P1.5"; hundredths of a stop at most.

    >>> [level_name(ev) for ev in (-4, 0, 1.5)]
    ['N4', 'P0', 'P1.5']
    """
    rounded = round(float(ev), 2) + 0.0  # + 0.0 turns -0.0 into 0.0
    return f"{'N' if rounded < 0 else 'P'}{abs(rounded):g}"


def level_names(evs: Sequence[float]) -> tuple[str, ...]:
    """Return the levels' names of a scene's exposures: within `NEAR_LEVEL` of a whole stop its name, "N2" for -1.98.

    Where two exposures would share that name, each keeps its own.
    """
    near = [
        level_name(round(ev)) if round(abs(ev - round(ev)), 4) <= NEAR_LEVEL else level_name(ev) for ev in evs
    ]
    return tuple(
        name if near.count(name) == 1 else level_name(ev) for name, ev in zip(near, evs, strict=True)
    )


def darkest_first(evs: Sequence[float], levels: Sequence[str] | None = None) -> list[int]:
    """Return the order of exposures, by stops and then by the level's name: that of a store and of a release."""
    return sorted(range(len(evs)), key=lambda i: (evs[i], levels[i] if levels else ""))


def ev_of_level(name: str) -> float:
    """Return the stops of a level's name: "N4" -> -4.0. Raises `BadInputError` for anything else.

    >>> ev_of_level("N1.5")
    -1.5
    """
    match = _LEVEL.fullmatch(name)
    if match is None:
        raise BadInputError("not a level", expected="N4 ... N1, P0, P1 ... P4, or a form like N1.5", got=name)
    return float(match[2]) * (-1.0 if match[1] == "N" else 1.0) + 0.0


def check_scene_id(scene_id: str) -> str:
    """Return `scene_id` if it can be a file name on every system, else raise `BadInputError`.

    Letters of every script are letters, in their composed form (NFC): two forms of one name would be two scenes on some
    systems and one on others.
    """
    if not _is_usable(scene_id):
        raise BadInputError(
            "not a scene id",
            expected="1-128 letters, digits, spaces and . _ ( ) + , @ = -, not ending in a dot or space, "
            f"at most {_LONGEST_ID_BYTES} bytes, composed letters (NFC), and no name that Windows reserves",
            got=repr(scene_id),
            remedy="rename the scene in the manifest",
        )
    return scene_id


@lru_cache(maxsize=1 << 14)  # a queue asks of each exposure
def _is_usable(scene_id: str) -> bool:
    return _is_name(scene_id) and _stem(scene_id) not in _WINDOWS_NAMES


def _stem(text: str) -> str:
    return unicodedata.normalize("NFKC", text.split(".")[0]).lower()  # COM¹ is COM1 to Windows


def _is_name(text: str) -> bool:
    if not 1 <= len(text) <= _LONGEST_ID or text != unicodedata.normalize("NFC", text):
        return False
    if any(unicodedata.category(c) == "Cs" for c in text) or len(text.encode()) > _LONGEST_ID_BYTES:
        return False
    inner = (_is_letter(c) or unicodedata.category(c)[0] == "M" or c in " ._()+,@=-" for c in text[1:])
    last = text[-1]
    return (_is_letter(text[0]) or text[0] == "_") and all(inner) and last not in " .,@"


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


@dataclass(frozen=True)
class SourceFile:
    """An input file: its real path, its path as the manifest gives it, and its sha256 where that is given."""

    path: Path
    name: str
    sha256: str | None = None


@dataclass(frozen=True)
class Scene:
    """One row of a manifest, parsed: what to build and from which files.

    `exposures` holds one file for `raw` and `rendered`, and every capture for `bracket`, where `evs` gives
    their stops (None: read from EXIF, or estimate). `references` holds given retouches, named in `experts`
    ("A" ... "E", or "" where there is just one). `simulation` says how the exposures of a non-bracket are made:
    "ev" (linear light ladder) or "messias" (random gain and gamma). `attributes` are the row's other cells
    (licence, device, scene_class, ...), as text.
    """

    scene_id: str
    kind: Kind
    exposures: tuple[SourceFile, ...]
    evs: tuple[float, ...] | None = None
    references: tuple[SourceFile, ...] = ()
    experts: tuple[str, ...] = ()
    simulation: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_scene_id(self.scene_id)


@dataclass(frozen=True)
class BuiltScene:
    """A scene's arrays as they go into the store. Checked on construction; raises `ArrayError`.

    - `exposures` (E, H, W, 3) uint8 and `reference` (H, W, 3) uint8: sRGB-encoded
    - `residual` (E, H, W) int16 codes, `outliers` (E, H, W) uint8 bit flags
    - `evs`, `levels`, `review_priority`: one an exposure; the priority in [0, 1], higher = look sooner
    - `uncertainty` (E, H, W) uint8 or None: codes of standard deviations, 255 = unknown (see `iea40k.uncertainty`)
    - `as_shot` (H, W, 3) uint8 or None: EV 0 before it got the contrast of its retouch
    - `attributes`: the manifest row and what was found out; `recipe`: how it was made, JSON-able
    """

    scene_id: str
    exposures: NDArray[np.uint8]
    reference: EncodedRGB
    residual: ResidualCodes
    outliers: OutlierFlags
    evs: tuple[float, ...]
    levels: tuple[str, ...]
    review_priority: tuple[float, ...]
    attributes: Mapping[str, Any]
    recipe: Mapping[str, Any]
    uncertainty: NDArray[np.uint8] | None = None
    as_shot: EncodedRGB | None = None

    def __post_init__(self) -> None:
        check_scene_id(self.scene_id)
        check_encoded(self.reference, "reference")
        check_codes(self.residual)
        height, width = self.reference.shape[:2]
        count = len(self.evs)
        if count == 0:
            raise ArrayError("a scene has at least one exposure", where=self.scene_id, got="none")
        if len(set(self.levels)) != count or len(self.levels) != count or len(self.review_priority) != count:
            raise ArrayError(
                "every exposure has one EV, one level of its own and one review priority",
                where=self.scene_id,
                got=f"{count} EVs, levels {list(self.levels)}, {len(self.review_priority)} priorities",
            )
        expected: dict[str, tuple[NDArray[Any], tuple[int, ...], type]] = {
            "exposures": (self.exposures, (count, height, width, 3), np.uint8),
            "residual": (self.residual, (count, height, width), np.int16),
            "outliers": (self.outliers, (count, height, width), np.uint8),
        }
        if self.uncertainty is not None:
            expected["uncertainty"] = (self.uncertainty, (count, height, width), np.uint8)
        if self.as_shot is not None:
            expected["as_shot"] = (self.as_shot, (height, width, 3), np.uint8)
        for name, (array, shape, dtype) in expected.items():
            if array.shape != shape or array.dtype != dtype:
                raise ArrayError(
                    f"{name}: wrong shape or dtype",
                    where=self.scene_id,
                    expected=f"{shape} {np.dtype(dtype)}",
                    got=f"{array.shape} {array.dtype}",
                )
