"""A manifest of brackets from a folder of captures."""

import re
from collections import Counter
from pathlib import Path

from iea40k.brackets.grouping import GroupingRules, group
from iea40k.capture import Capture, read_capture
from iea40k.errors import BadInputError, IEAError
from iea40k.isolation import guarded
from iea40k.roots import name_below, usable_name
from pipelines.bracket_likeness import Likeness
from pipelines.bracket_rows import Found, add_scene, name_scenes

# fmt: off
RAW_SUFFIXES = frozenset([
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
])
# fmt: on
RENDERED_SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif"])

REFERENCE = re.compile(r"^reference(?:[_ .-]|$)", re.IGNORECASE)
"""A file so named is not a capture but a given retouch of its folder's scene; in a folder of several scenes, of the one
with a capture whose name it repeats: `reference_DSC08196.tif`."""


def find_brackets(
    root: Path, base: Path, rules: GroupingRules | None = None, *, digests: bool = True
) -> Found:
    """Look through a folder tree and return the brackets in it, with paths relative to `base`, the manifest's root.

    Captures are grouped folder by folder, by what cameras wrote and where that leaves doubt by what they show (see
    `iea40k.brackets.grouping`), RAW and rendered files apart; a rendered
    file with a RAW twin of the same name is left out. Raises `BadInputError` where the root is no folder.
    """
    if not root.is_dir():
        raise BadInputError("there is no such folder", where=root)
    found = Found()
    captures, references = _captures(root, base, found)
    scenes: list[tuple[Capture, ...]] = []
    alike = Likeness()
    for kind in (RAW_SUFFIXES, RENDERED_SUFFIXES):
        grouped = group((c for c in captures if c.path.suffix.lower() in kind), rules, alike)
        found.left_out += [(name_below(base, c.path), reason) for c, reason in grouped.left_out]
        scenes += grouped.scenes
    per_folder = Counter(scene[0].path.parent for scene in scenes)
    for scene in scenes:
        retouches = _retouches(scene, references, alone=per_folder[scene[0].path.parent] == 1)
        add_scene(scene, retouches, base, found, digests=digests)
    unused = [path for paths in references.values() for path in paths]
    found.left_out += [(name_below(base, path), "a retouch of no scene here") for path in unused]
    name_scenes(found, root, base)
    return found


def _retouches(scene: tuple[Capture, ...], references: dict[Path, list[Path]], *, alone: bool) -> list[Path]:
    """Take the scene's retouches out of `references` and return them."""
    here = references.get(scene[0].path.parent, [])
    stems = {capture.path.stem for capture in scene}
    taken = [p for p in here if alone or any(p.stem.endswith(stem) for stem in stems)]
    references[scene[0].path.parent] = [p for p in here if p not in taken]
    return taken


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
            if _usable(path, base, found):
                references.setdefault(path.parent, []).append(path)
        elif suffix in RENDERED_SUFFIXES and path.with_suffix("") in raws:
            found.left_out.append((name_below(base, path), "its RAW file is taken instead"))
        elif _usable(path, base, found):
            _read(path, base, captures, found)
    return captures, references


def _usable(path: Path, base: Path, found: Found) -> bool:
    try:
        usable_name(base, path)
    except IEAError as error:
        found.failures.append((name_below(base, path), error.what))
        return False
    return True


def _read(path: Path, base: Path, captures: list[Capture], found: Found) -> None:
    try:
        captures.append(guarded(read_capture, path))
    except IEAError as error:
        found.failures.append((name_below(base, path), error.what))


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
