"""The ledger's nouns: whose map of which image (`MapKey`), a stroke to be recorded (`Draft`), a recorded one.

Strokes refer to each other by `stroke_id`, which the client makes: a stroke can be undone before any database has seen
it, and one that is sent twice is recorded once.
"""

import re
import time
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from iea40k.errors import BadInputError
from iea40k.escaping import begins_formula
from iea40k.recipe import canonical_json
from iea40k.scene import check_scene_id, ev_of_level
from iea40k.store.ledger.patch import PackedPatch, check_box
from iea40k.store.ledger.weights import PackedWeights

CorrectionKind = Literal["brush", "fill", "superpixel", "range", "adopt", "clear", "undo"]
"""`range`: every pixel of a value or luminance range; `adopt`: codes taken over from elsewhere (a colleague's map,
another level, a stale stroke); `clear`: back to the base; `undo`: takes back one stroke, or one undo (a redo)."""

ZoneKind = Literal["zone", "clear", "undo"]
CORRECTION_KINDS: tuple[str, ...] = get_args(CorrectionKind)
ZONE_KINDS: tuple[str, ...] = get_args(ZoneKind)

Purpose = Literal["expert", "repeat", "adjudication"]
"""`expert`: a blind expert's own map; `repeat`: the same expert's map of the same image, hidden among the others to
measure consistency; `adjudication`: the map that overrides the consensus."""

PURPOSES: tuple[str, ...] = get_args(Purpose)
REFERENCE = "reference"
"""The level under which a scene's zone edits are kept."""

_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_STROKE_ID = re.compile(r"^[0-9a-f]{32}$")
_TOOL_BYTES = 4096


@dataclass(frozen=True)
class MapKey:
    """One person's map of one image: what is replayed, undone and submitted on its own.

    `level` is the exposure's ("N4" ... "P4"), or `REFERENCE` for zone edits. Raises `BadInputError`.
    """

    scene_id: str
    level: str
    annotator: str
    purpose: Purpose = "expert"

    def __post_init__(self) -> None:
        check_scene_id(self.scene_id)
        check_annotator(self.annotator)
        if self.level != REFERENCE:
            ev_of_level(self.level)
        if self.purpose not in PURPOSES:
            raise BadInputError("no such purpose", expected=", ".join(PURPOSES), got=repr(self.purpose))


def now_us() -> int:
    """Return this machine's time in whole microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def new_stroke_id() -> str:
    """Return a fresh id, 32 hex digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What every stroke says of itself before the ledger has recorded it.

    `image_shape` is (height, width); `base_digest` is `array_digest` of the residual or reference it was
    drawn on;
    `undoes` and `supersedes` are stroke ids of the same map; `tool` is JSON-able and for people (radius, value);
    `client_time` is the client's clock in microseconds since 1970 UTC, and is never used to order anything.
    """

    map_key: MapKey
    image_shape: tuple[int, int]
    base_digest: str
    kind: str
    undoes: str | None = None
    supersedes: str | None = None
    tool: Mapping[str, Any] = field(default_factory=dict)
    client_time: int = field(default_factory=now_us)
    stroke_id: str = field(default_factory=new_stroke_id)

    def _check(self, kinds: tuple[str, ...], has_payload: bool) -> None:
        if self.kind not in kinds:
            raise BadInputError("no such kind of stroke", expected=", ".join(kinds), got=repr(self.kind))
        for name, value in (
            ("stroke_id", self.stroke_id),
            ("undoes", self.undoes),
            ("supersedes", self.supersedes),
        ):
            if value is not None and not _STROKE_ID.fullmatch(value):
                raise BadInputError(f"{name} is not a stroke's id", expected="32 hex digits", got=repr(value))
        if not _DIGEST.fullmatch(self.base_digest):
            raise BadInputError(
                "the base has no digest", expected="64 hex digits", got=repr(self.base_digest)
            )
        if (self.kind == "undo") != (self.undoes is not None):
            raise BadInputError("an undo, and only an undo, names the stroke it takes back", got=self.kind)
        if has_payload == (self.kind in ("undo", "clear")):
            raise BadInputError("a stroke carries pixels, an undo and a clear carry none", got=self.kind)
        size = len(canonical_json(self.tool).encode())
        if size > _TOOL_BYTES:
            raise BadInputError(
                "the tool's notes are too long", expected=f"{_TOOL_BYTES} bytes", got=f"{size}"
            )


@dataclass(frozen=True, kw_only=True)
class CorrectionDraft(Draft):
    """A stroke on a residual. Checked on construction: box inside the image, codes in range, kinds that exist."""

    patch: PackedPatch | None = None

    def __post_init__(self) -> None:
        self._check(CORRECTION_KINDS, self.patch is not None)
        if self.map_key.level == REFERENCE:
            raise BadInputError("a correction belongs to an exposure's level", got=REFERENCE)
        if self.patch is not None:
            self.patch.check_inside(*self.image_shape)
            self.patch.unpack()


@dataclass(frozen=True, kw_only=True)
class ZoneDraft(Draft):
    """A block of a reference set from one zone to another, feathered; zones in 1/256 stop, zone V = 5 * 256."""

    weights: PackedWeights | None = None
    old_zone: int | None = None
    new_zone: int | None = None

    def __post_init__(self) -> None:
        self._check(ZONE_KINDS, self.weights is not None)
        if self.map_key.level != REFERENCE:
            raise BadInputError("a zone edit belongs to the reference", got=self.map_key.level)
        if self.weights is not None:
            w = self.weights
            check_box(w.top, w.left, w.height, w.width, self.image_shape)
            w.unpack()
            if self.new_zone is None or self.old_zone is None or not 0 <= self.new_zone <= 10 * 256:
                raise BadInputError(
                    "a zone edit goes to a zone",
                    expected="0 ... 2560 (zones 0 ... X)",
                    got=f"{self.new_zone}",
                )


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the ledger adds to a stroke: its number, its place in the image's chain, the lease it came under."""

    entry: int
    seq: int
    token: int | None
    server_time: int
    previous: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Correction(CorrectionDraft, Recorded):
    """A recorded stroke on a residual. Never edited, only superseded or undone."""

    def __post_init__(self) -> None:
        """Trust what was checked before it was recorded: reading thousands of strokes must be quick."""


@dataclass(frozen=True, kw_only=True)
class ZoneEdit(ZoneDraft, Recorded):
    """A recorded zone edit of a reference."""

    def __post_init__(self) -> None:
        """Trust what was checked before it was recorded."""


@dataclass(frozen=True)
class Lease:
    """The right of one annotator to work on one task for a while; `token` fences off everybody before."""

    task: int
    assignment: int
    map_key: MapKey
    token: int
    expires: int
    reason: str = ""
    comment: str = ""


def check_annotator(name: str) -> str:
    """Return `name` if it can name a person in tables, files and databases, else raise `BadInputError`.

    Any letters, O'Brien's quote included. Not control characters, nor a first character that makes a spreadsheet
    take the name for a formula when a table of figures is opened in it.
    """
    bad = any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in name)
    if bad or not 1 <= len(name) <= 64 or name != name.strip() or begins_formula(name):
        raise BadInputError(
            "this is no annotator's name",
            expected="1-64 characters, no control characters, no space at either end, "
            "and no = + - @ at the start (spreadsheets take those for formulas)",
            got=repr(name),
        )
    return name
