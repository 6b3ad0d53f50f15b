"""A manifest of brackets, made from a folder of captures or from a table of them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from iea40k.brackets.evs import stated_evs
from iea40k.brackets.grouping import GroupingRules, group
from iea40k.capture import Capture, read_capture
from iea40k.errors import BadInputError, IEAError
from iea40k.files import inside, sha256_file
from iea40k.manifest import SEPARATOR
from iea40k.scene import check_scene_id

# fmt: off
RAW_SUFFIXES = frozenset([
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
])
# fmt: on
RENDERED_SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".tif", ".tiff"])

REFERENCE = re.compile(r"^reference(?:[_ .-]|$)", re.IGNORECASE)
"""A file so named is not a capture but a given retouch of its folder's scene."""

Note = tuple[str, str]
"""A file, relative to the root, and what is said about it."""


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


def find_brackets(
    root: Path, base: Path, rules: GroupingRules | None = None, *, digests: bool = True
) -> Found:
    """Look through a folder tree and return the brackets in it, with paths relative to `base`.

    Captures are grouped folder by folder (see `iea40k.brackets.grouping`), RAW and rendered files apart; a rendered
    file with a RAW twin of the same name is left out. Raises `BadInputError` where the root is no folder below `base`.
    """
    if not root.is_dir():
        raise BadInputError("there is no such folder", where=root)
    _check_below(root, base)
    found = Found()
    captures, references = _captures(root, base, found)
    for kind in (RAW_SUFFIXES, RENDERED_SUFFIXES):
        grouped = group((c for c in captures if c.path.suffix.lower() in kind), rules)
        found.left_out += [(_name(c.path, base), reason) for c, reason in grouped.left_out]
        for scene in grouped.scenes:
            _add_scene(scene, references, base, found, digests)
    _name_scenes(found, root, base)
    return found


def _check_below(root: Path, base: Path) -> None:
    if not root.resolve().is_relative_to(base.resolve()):
        raise BadInputError(
            "the manifest must lie in the captures' folder, or above it",
            where=base,
            expected=f"a folder that holds {root.resolve()}",
            remedy=f"write it to {root / 'manifest.csv'}; paths in a manifest may not leave its folder",
        )


def _captures(root: Path, base: Path, found: Found) -> tuple[list[Capture], dict[Path, list[Path]]]:
    files = sorted(p for p in root.rglob("*") if p.is_file() and not _hidden(p, root))
    raws = {p.with_suffix("") for p in files if p.suffix.lower() in RAW_SUFFIXES}
    captures: list[Capture] = []
    references: dict[Path, list[Path]] = {}
    for path in files:
        suffix = path.suffix.lower()
        if suffix not in RAW_SUFFIXES | RENDERED_SUFFIXES:
            found.ignored[suffix or "(no suffix)"] += 1
        elif REFERENCE.match(path.stem):
            references.setdefault(path.parent, []).append(path)
        elif suffix in RENDERED_SUFFIXES and path.with_suffix("") in raws:
            found.left_out.append((_name(path, base), "its RAW file is taken instead"))
        else:
            _read(path, base, captures, found)
    return captures, references


def _read(path: Path, base: Path, captures: list[Capture], found: Found) -> None:
    name = _name(path, base)
    try:
        inside(base, name)
        if SEPARATOR in name:
            raise BadInputError(f"the name has a '{SEPARATOR}'", remedy="rename the file")
        captures.append(read_capture(path))
    except IEAError as error:
        found.failures.append((name, error.what))


def _add_scene(
    scene: Sequence[Capture],
    references: dict[Path, list[Path]],
    base: Path,
    found: Found,
    digests: bool,
) -> None:
    scene = _of_one_size(scene, base, found)
    if len(scene) < 2:
        found.left_out += [
            (_name(c.path, base), "alone after its bracket lost the other captures") for c in scene
        ]
        return
    folder = scene[0].path.parent
    retouches = references.get(folder, [])
    evs = stated_evs(scene, None)
    row = {
        "kind": "bracket",
        "exposures": SEPARATOR.join(_name(c.path, base) for c in scene),
        "evs": SEPARATOR.join(f"{round(ev, 4) + 0.0:g}" for ev in evs.evs) if evs else "",
        "references": SEPARATOR.join(_name(p, base) for p in retouches),
        "device": " ".join(dict.fromkeys(f"{scene[0].make} {scene[0].model}".split())),
        "x_ev_source": evs.source if evs else "",
    }
    if digests:
        row["exposures_sha256"] = SEPARATOR.join(sha256_file(c.path) for c in scene)
        row["references_sha256"] = SEPARATOR.join(sha256_file(p) for p in retouches)
    found.rows.append(row)


def _of_one_size(scene: Sequence[Capture], base: Path, found: Found) -> Sequence[Capture]:
    sizes = [sorted(c.size or ()) for c in scene]
    common = max(sizes, key=sizes.count)
    for capture, size in zip(scene, sizes, strict=True):
        if size != common:
            own, other = ("x".join(map(str, s[::-1])) for s in (size, common))
            found.failures.append(
                (_name(capture.path, base), f"is {own}, the others of its bracket are {other}")
            )
    return [c for c, size in zip(scene, sizes, strict=True) if size == common]


def _name_scenes(found: Found, root: Path, base: Path) -> None:
    """Name each scene by its folder, and by its first capture where the folder holds several."""
    firsts = [(base / row["exposures"].split(SEPARATOR)[0]) for row in found.rows]
    per_folder = Counter(first.parent for first in firsts)
    taken: set[str] = set()
    for row, first in zip(found.rows, firsts, strict=True):
        parts = list(first.parent.relative_to(root).parts) or [root.resolve().name]
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


def _is_scene_id(text: str) -> bool:
    try:
        return bool(check_scene_id(text))
    except BadInputError:
        return False


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _name(path: Path, base: Path) -> str:
    return (
        path.resolve().relative_to(base.resolve()).as_posix()
        if not path.is_symlink()
        else (path.absolute().relative_to(base.absolute()).as_posix())
    )
