"""Published scenes into a store: pixels and residuals exactly as they are, scores as given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from iea40k import outliers
from iea40k.arrays import EncodedRGB
from iea40k.errors import ArrayError, IEAError, UnreadableImageError
from iea40k.files import sha256_file
from iea40k.isolation import guarded
from iea40k.recipe import digest
from iea40k.residuals import residual_codes
from iea40k.scene import BuiltScene, ev_of_level
from iea40k.store.each import Each
from iea40k.store.layout import Store
from pipelines.fivek_metadata import Photo, photo_number
from pipelines.official.labels import Label, read_label
from pipelines.official.names import SPLIT
from pipelines.official.tree import OfficialScene, OfficialTree

MAX_PIXELS = 50_000_000
_SIGN_DOUBT = 0.05


@dataclass
class ImportReport:
    """What an import did: scenes and exposures written, scenes that were there, and every problem."""

    scenes: int = 0
    exposures: int = 0
    present: int = 0
    rounded: int = 0
    problems: list[IEAError] = field(default_factory=list)

    def add(self, other: "ImportReport") -> None:
        """Count another report's scenes, exposures and problems as well."""
        self.scenes += other.scenes
        self.exposures += other.exposures
        self.present += other.present
        self.rounded += other.rounded
        self.problems += other.problems


def import_official(
    tree: OfficialTree,
    store: Store,
    *,
    licence: str = "",
    photos: Mapping[str, Photo] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    each: Each = map,
) -> ImportReport:
    """Write the scenes of a tree into a store; return what was done.

    `photos` gives FiveK scenes their own licence and device; `licence` goes to all others. A file that cannot be used
    costs its exposure, a scene without a usable exposure goes to quarantine, and the run goes on. `each` spreads the
    scenes over processes.
    """
    report = ImportReport(problems=list(tree.problems))
    store.clear_leftovers()
    given = [(scene, (photos or {}).get(scene.scene_id)) for scene in tree.scenes]
    for index, found in enumerate(each(partial(_import_scene, store, licence), given), 1):
        report.add(found)
        if progress is not None:
            progress(index, len(given), tree.scenes[index - 1].scene_id)
    return report


def _import_scene(store: Store, licence: str, given: tuple[OfficialScene, Photo | None]) -> ImportReport:
    """Return what became of one scene."""
    scene, photo = given
    report = ImportReport()
    plan = _plan(scene, licence, photo)
    if store.has_scene(scene.scene_id) and store.open_scene(scene.scene_id).recipe.get("plan") == digest(
        plan
    ):
        report.present = 1
        return report
    try:
        built, problems = guarded(_read, scene, plan)
        report.problems += problems
        if isinstance(built, IEAError):
            raise built
        store.write_scene(built)
        report.scenes = 1
        report.exposures = len(built.levels)
        report.rounded = sum(value > 0 for value in built.attributes["label_rounding"].values())
    except IEAError as error:
        report.problems.append(error)
        store.quarantine(scene.scene_id, error)
    return report


def _read(scene: OfficialScene, plan: Mapping[str, Any]) -> tuple[BuiltScene | IEAError, list[IEAError]]:
    """Return a scene, or why there is none, and the problems of its exposures."""
    problems: list[IEAError] = []
    try:
        return read_scene(scene, plan, problems), problems
    except IEAError as error:
        return error, problems


def read_scene(scene: OfficialScene, plan: Mapping[str, Any], problems: list[IEAError]) -> BuiltScene:
    """Read one scene as the store holds it; exposures that cannot be read are left out and added to `problems`.

    Raises `UnreadableImageError` for the reference, `ArrayError` where no exposure is left.
    """
    reference = read_picture(scene.reference)
    pictures: dict[str, EncodedRGB] = {}
    labels: dict[str, Label] = {}
    for level in scene.levels:
        files = scene.exposures[level]
        try:
            picture, label = read_picture(files.image), read_label(files.label)
            _check_shapes(reference, picture, label, files.image)
            _check_sign(reference, picture, label, files.label)
        except IEAError as error:
            problems.append(error)
            continue
        pictures[level], labels[level] = picture, label
    if not pictures:
        raise ArrayError(
            "no exposure of the scene can be used",
            where=scene.scene_id,
            got=f"{len(scene.levels)} bad exposures",
        )
    return _built(scene, plan, reference, pictures, labels)


def read_picture(file: Path) -> EncodedRGB:
    """Return the pixels of an 8-bit RGB PNG exactly as they are stored. Raises `UnreadableImageError`."""
    try:
        with Image.open(file, formats=("PNG",)) as picture:
            if picture.mode != "RGB" or picture.width * picture.height > MAX_PIXELS:
                raise UnreadableImageError(
                    "not a picture of the published layout",
                    where=file,
                    expected="8-bit RGB without transparency",
                    got=f"{picture.mode}, {picture.width}x{picture.height}",
                )
            profile = picture.info.get("icc_profile")
            if profile and b"sRGB" not in profile:
                raise UnreadableImageError(
                    "the picture has a colour profile other than sRGB",
                    where=file,
                    remedy="convert it to sRGB: here pixels are taken exactly as they are",
                )
            return np.array(picture)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise UnreadableImageError(
            "the picture cannot be decoded", where=file, expected="a whole PNG", got=str(error)
        ) from error


def _built(
    scene: OfficialScene,
    plan: Mapping[str, Any],
    reference: EncodedRGB,
    pictures: Mapping[str, EncodedRGB],
    labels: Mapping[str, Label],
) -> BuiltScene:
    levels = tuple(pictures)
    codes = [labels[level].codes for level in levels]
    captured = photo_number(scene.scene_id) is None
    evs = tuple(ev_of_level(level) for level in levels)
    looked = outliers.look(reference, list(pictures.values()), codes, evs, captured=captured)
    given = {level: scene.exposures[level] for level in levels}
    inputs = [scene.reference, *(p for e in given.values() for p in (e.image, e.label))]
    return BuiltScene(
        scene_id=scene.scene_id,
        exposures=np.stack(list(pictures.values())),
        reference=reference,
        residual=np.stack(codes),
        outliers=looked.flags,
        evs=evs,
        levels=levels,
        review_priority=looked.priorities,
        attributes={
            **plan["attributes"],
            **({"proposals": counts} if (counts := looked.counts(levels)) else {}),
            "score_given": {level: exposure.score for level, exposure in given.items()},
            "official_tables": {level: " ".join(exposure.tables) for level, exposure in given.items()},
            "official_cells": {level: " ".join(exposure.cells) for level, exposure in given.items()},
            "label_dtype": {level: label.dtype for level, label in labels.items()},
            "label_rounding": {level: label.rounding for level, label in labels.items()},
        },
        recipe={
            "plan": digest(plan),
            "frames": {"simulation": "as published", "residual": "as published"},
            "inputs": {file.name: sha256_file(file) for file in inputs},
            "outliers": dict(outliers.PARAMETERS),
        },
    )


def _plan(scene: OfficialScene, licence: str, photo: Photo | None) -> dict[str, Any]:
    attributes = {"source": "official", "licence": licence, "kind": "published", SPLIT: scene.split}
    if photo is not None:
        attributes |= {"licence": photo.licence or licence, "device": f"{photo.make} {photo.model}".strip()}
    files = {
        level: [e.image.stat().st_size, e.label.stat().st_size, e.score, list(e.tables)]
        for level, e in scene.exposures.items()
    }
    return {"attributes": attributes, "files": files, "reference": scene.reference.stat().st_size}


def _check_shapes(reference: EncodedRGB, picture: EncodedRGB, label: Label, file: Path) -> None:
    shapes = {"reference": reference.shape[:2], "image": picture.shape[:2], "label": label.codes.shape}
    if len(set(shapes.values())) > 1:
        raise ArrayError(
            "image, label and reference differ in size",
            where=file,
            expected="one size for the three",
            got=", ".join(f"{name} {shape[1]}x{shape[0]}" for name, shape in shapes.items()),
            remedy="use the pictures of the size that the labels were made for (256x256 in the published data)",
        )


def _check_sign(reference: EncodedRGB, picture: EncodedRGB, label: Label, file: Path) -> None:
    own = residual_codes(reference, picture[None])[0].astype(np.float64) / 32640
    given = np.where(label.codes == -32768, np.nan, label.codes / 32640)
    along, against = np.nanmean(np.abs(given - own)), np.nanmean(np.abs(given + own))
    if along > against + _SIGN_DOUBT:
        raise ArrayError(
            "the label's sign is against the pictures",
            where=file,
            expected="reference minus exposure: + = underexposed",
            got=f"{along:.2f} away from that difference, {against:.2f} from its opposite",
        )
