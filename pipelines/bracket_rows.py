"""Rows of a bracket manifest, from captures that belong together."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from iea40k.brackets.evs import FrameEvs, stated_evs
from iea40k.capture import Capture
from iea40k.errors import BadInputError
from iea40k.files import sha256_file
from iea40k.roots import SEPARATOR, name_below
from iea40k.scene import check_scene_id

Note = tuple[str, str]
"""A file, relative to the manifest's root, and what is said about it."""


@dataclass
class Found:
    """What became of every file: rows of the manifest, captures left out in good order, and failures."""

    rows: list[dict[str, str]] = field(default_factory=list)
    left_out: list[Note] = field(default_factory=list)
    failures: list[Note] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def table(self) -> pd.DataFrame:
        """The manifest's rows as a table."""
        return pd.DataFrame(self.rows)


def exif_evs(scene: Sequence[Capture]) -> FrameEvs | None:
    """Return the EVs that the captures' own metadata state, None where they do not."""
    return stated_evs(scene, None)


def add_scene(
    scene: Sequence[Capture],
    references: Sequence[Path],
    base: Path,
    found: Found,
    *,
    digests: bool,
    evs_of: Callable[[Sequence[Capture]], FrameEvs | None] = exif_evs,
) -> dict[str, str] | None:
    """Add a scene's row to `found` and return it, None where fewer than two captures of one size are left.

    The row has no `scene_id` yet; see `name_scenes`. Captures of another size than most are failures.
    """
    scene = _of_one_size(scene, base, found)
    if len(scene) < 2:
        reason = "alone after its bracket lost the other captures"
        found.left_out += [(name_below(base, c.path), reason) for c in scene]
        return None
    evs = evs_of(scene)
    row = {
        "kind": "bracket",
        "exposures": SEPARATOR.join(name_below(base, c.path) for c in scene),
        "evs": SEPARATOR.join(f"{round(ev, 4) + 0.0:g}" for ev in evs.evs) if evs else "",
        "references": SEPARATOR.join(name_below(base, p) for p in references),
        "device": " ".join(dict.fromkeys(f"{scene[0].make} {scene[0].model}".split())),
        "x_ev_source": evs.source if evs else "",
    }
    if digests:
        row["exposures_sha256"] = SEPARATOR.join(sha256_file(c.path) for c in scene)
        row["references_sha256"] = SEPARATOR.join(sha256_file(p) for p in references)
    found.rows.append(row)
    return row


def name_scenes(found: Found, root: Path, base: Path) -> None:
    """Name each scene without a name by its folder, and by its first capture where the folder holds several."""
    firsts = [base.resolve() / row["exposures"].split(SEPARATOR)[0] for row in found.rows]
    per_folder = Counter(first.parent for first in firsts)
    taken = {row["scene_id"].casefold() for row in found.rows if "scene_id" in row}
    for row, first in zip(found.rows, firsts, strict=True):
        if "scene_id" in row:
            continue
        parts = list(first.parent.relative_to(root.resolve()).parts) or [root.resolve().name]
        if per_folder[first.parent] > 1:
            parts.append(first.stem)
        plain = re.sub(r"[^A-Za-z0-9._()+,@=-]+", "_", "_".join(parts))[:110].strip("._-+,@=") or "scene"
        plain = plain if _is_scene_id(plain) else f"scene_{plain}"
        scene_id, count = plain, 1
        while scene_id.casefold() in taken:
            count += 1
            scene_id = f"{plain}_{count}"
        taken.add(scene_id.casefold())
        row["scene_id"] = scene_id


def _of_one_size(scene: Sequence[Capture], base: Path, found: Found) -> Sequence[Capture]:
    sizes = [sorted(c.size or ()) for c in scene]
    common = max(sizes, key=sizes.count)
    for capture, size in zip(scene, sizes, strict=True):
        if size != common:
            own, other = ("x".join(map(str, s[::-1])) for s in (size, common))
            reason = f"is {own}, the others of its bracket are {other}"
            found.failures.append((name_below(base, capture.path), reason))
    return [c for c, size in zip(scene, sizes, strict=True) if size == common]


def _is_scene_id(text: str) -> bool:
    try:
        return bool(check_scene_id(text))
    except BadInputError:
        return False
