"""Verification of a release: every checksum, every file, every table against every pixel.

Returns problems instead of stopping at the first, each with its place. A release without problems is what its writer
wrote, and its tables say what its arrays hold.
"""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from iea40k.errors import CorruptDataError, IEAError, StoreError
from iea40k.files import AnyPath
from iea40k.recipe import digest
from iea40k.store.each import Each
from iea40k.store.release import content, tables
from iea40k.store.release.content import HEAD
from iea40k.store.release.reading import Release
from iea40k.store.release.root import parse_root, root_problems
from iea40k.store.release.rows import row_problems
from iea40k.store.release.splits import SPLITS
from iea40k.store.release.verify_files import Progress, file_problems, may_wait
from iea40k.store.release.verify_pixels import pixel_problems, table_problem
from iea40k.store.release.verify_twins import known_leaks, twin_problems
from iea40k.texts import parse_json


def verify_release(
    path: AnyPath, *, root: str | None = None, progress: Progress | None = None, each: Each = map
) -> list[IEAError]:
    """Return every problem of the release at `path`, none if it is sound. `progress(done, total, what)`.
    `each` spreads files and entries over processes.

    `root` is the root digest that somebody noted when the release was published; only with it, or with a signature, can
    a forger be told who changed a table and made every checksum fit again.

    Raises `StoreError` only where there is no release to verify, or one of a newer format, and `BadInputError` where
    `root` is no digest.
    """
    path = Path(path)
    noted = None if root is None else parse_root(root)
    release = Release.open(path)
    report = progress or (lambda *_: None)
    problems = list(root_problems(path, carries=release.carries_root, noted=noted))
    problems += file_problems(release, report, each)
    if may_wait(release):
        return problems
    try:
        for found in (
            _tables(release),
            _rows(release),
            _splits(release),
            pixel_problems(release, report, each),
            twin_problems(release),
        ):
            problems.extend(found)
    except StoreError as error:  # a table that cannot be read says so itself; nothing can be compared with it
        problems.append(error)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        problems.append(
            CorruptDataError("the tables contradict each other", where=path / content.TABLES, got=repr(error))
        )
    problems += _croissant(path)
    return problems


# ---------------------------------------------------------------- tables


def _tables(release: Release) -> Iterator[IEAError]:
    folder = release.path / content.TABLES
    for name, schema in (
        ("images", tables.IMAGES),
        ("scenes", tables.SCENES),
        ("provenance", tables.PROVENANCE),
    ):
        missing = sorted(set(schema.names) - set(getattr(release, name).columns))
        if missing:
            raise CorruptDataError(
                "columns of a table are missing", where=folder / f"{name}.parquet", got=", ".join(missing)
            )
    images, scenes = release.images, release.scenes
    for table, key in (("images", "image_id"), ("scenes", "scene_id"), ("splits", "scene_id")):
        for value in _repeated(getattr(release, table), key):
            yield table_problem(release, table, key, "appears twice", value)
    known = set(scenes["scene_id"])
    for table in ("images", "splits", "provenance"):
        for scene_id in sorted(set(getattr(release, table)["scene_id"]) - known):
            yield table_problem(release, table, "scene_id", "is not in the table of scenes", scene_id)
    for scene_id in sorted(known - set(images["scene_id"])):
        yield table_problem(release, "scenes", "scene_id", "has no images", scene_id)
    for name, count in (("images", len(images)), ("scenes", len(scenes))):
        if release.head.get(name) != count:
            yield CorruptDataError(
                f"{HEAD} and the table of {name} disagree",
                where=release.path / HEAD,
                expected=str(count),
                got=str(release.head.get(name)),
            )


def _rows(release: Release) -> Iterator[IEAError]:
    for row in release.scenes.to_dict("records"):
        try:
            found = digest(parse_json(row["recipe"]))
        except ValueError as error:
            found = str(error)
        if found != row["recipe_digest"]:
            yield table_problem(
                release, "scenes", "recipe", "has another recipe than its digest", row["scene_id"]
            )
    if release.carries_root:
        arrow = {name: release.arrow(name) for name in content.TABLE_NAMES}
        yield from row_problems(release.path, arrow, release.arrow("digests"))


def _splits(release: Release) -> Iterator[IEAError]:
    splits = release.splits.merge(release.scenes[["scene_id", "composition"]], on="scene_id", how="left")
    for scene_id in sorted(set(release.scenes["scene_id"]) - set(splits["scene_id"])):
        yield table_problem(release, "splits", "scene_id", "is in no split", scene_id)
    known = {(leak.scheme, leak.group) for leak in known_leaks(release)}
    for name in release.split_schemes:
        kind = release.head.get("splits", {}).get(name, {}).get("kind")
        between = release.head.get("in_no_split", {}).get(name)
        allowed = SPLITS if kind in ("random", "hashed") and not between else (*SPLITS, "")
        for value in sorted(set(splits[name].astype(str)) - set(allowed)):
            yield table_problem(release, "splits", name, "is not a split", value)
        splits_of = splits[splits[name] != ""].groupby("composition")[name].nunique()
        for composition in splits_of.index[splits_of > 1]:
            if (name, composition) in known:
                continue
            yield table_problem(release, "splits", name, "is in two splits of one scheme", composition)
        said = release.head.get("splits", {}).get(name, {})
        counted = {split: int((splits[name] == split).sum()) for split in SPLITS}
        if {split: said.get(split) for split in SPLITS} != counted:
            yield CorruptDataError(
                f"{HEAD} and the table of splits disagree",
                where=release.path / HEAD,
                expected=f"{name}: {counted}",
                got=str(said),
            )
        if kind == "random":  # of older releases, which were exact in their shares
            yield from _shares(release, splits, name)


def _shares(release: Release, splits: pd.DataFrame, name: str) -> Iterator[IEAError]:
    ratios = release.head["ratios"]
    # A composition is never divided, so a split may miss its share by the largest one.
    slack = max(1, int(splits.groupby("composition").size().max()))
    for split, ratio in zip(SPLITS, ratios, strict=True):
        share = len(splits) * ratio / sum(ratios)
        count = int((splits[name] == split).sum())
        if abs(count - share) > slack:
            yield CorruptDataError(
                f"{name}: '{split}' does not have its share",
                where=release.path / content.TABLES / "splits.parquet",
                expected=f"{share:.1f} of {len(splits)} scenes, give or take {slack}",
                got=str(count),
            )


def _repeated(table: pd.DataFrame, key: str) -> list[str]:
    return sorted(set(table.loc[table[key].duplicated(), key]))


def _croissant(path: Path) -> list[IEAError]:
    """Validate croissant.json where mlcroissant is installed; without it, nothing is said."""
    try:
        import mlcroissant
    except ImportError:
        return []
    file = path / "croissant.json"
    logging.getLogger("absl").setLevel(logging.ERROR)  # it recommends properties, which is no problem of ours
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own parts
            mlcroissant.Dataset(jsonld=file)
    except FileNotFoundError:
        return []  # the checksums have said so
    except Exception as error:  # a validation error, or whatever a damaged file makes of the parser
        return [CorruptDataError("the description for machines is not valid", where=file, got=str(error))]
    return []
