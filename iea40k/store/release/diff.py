"""What changed between two releases: scenes added, removed and changed, images, pixels, and who changed them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.label_names import is_label
from iea40k.store.release.reading import Release


@dataclass(frozen=True)
class ImageChange:
    """An image that is in both releases with other residuals, or with another exposure.

    `pixels`: residual codes that differ; `mean_change`: mean |new - old| over the pixels valid in both, in [0, 2];
    `validity_pixels`: pixels that gained or lost data. `resized`: the frame changed, so pixels cannot be compared.
    """

    image_id: str
    scene_id: str
    level: str
    exposure_changed: bool
    pixels: int
    mean_change: float
    validity_pixels: int
    resized: bool = False


@dataclass(frozen=True)
class LabelChange:
    """A label of a scene that is in both releases: its licence, a class, its light, ... "" where there is none."""

    scene_id: str
    column: str
    old: str
    new: str


@dataclass(frozen=True)
class ReleaseDiff:
    """All that differs between an older and a newer release.

    `withdrawn`: why scenes that the older one has are not in the newer, as far as that says it.
    """

    old: str
    new: str
    scenes_added: list[str]
    scenes_removed: list[str]
    scenes_changed: list[str]
    references_changed: list[str]
    images_added: list[str]
    images_removed: list[str]
    images_changed: list[ImageChange] = field(default_factory=list)
    moved_in_splits: dict[str, int] = field(default_factory=dict)
    corrections_by: dict[str, int] = field(default_factory=dict)
    labels_changed: list[LabelChange] = field(default_factory=list)
    withdrawn: dict[str, str] = field(default_factory=dict)

    @property
    def pixels_changed(self) -> int:
        """Residual codes that differ, over all images in both releases."""
        return sum(change.pixels for change in self.images_changed)

    def nothing(self) -> bool:
        """Return whether both hold the same scenes, labels, images, pixels and splits."""
        lists = (
            self.scenes_added,
            self.scenes_removed,
            self.scenes_changed,
            self.images_changed,
            self.labels_changed,
        )
        return (
            not any(lists) and not self.images_added and not self.images_removed and not self.moved_in_splits
        )


def diff_releases(old: Release, new: Release) -> ReleaseDiff:
    """Return what changed from `old` to `new`. Reads pixels only of images whose digests differ."""
    before, after = old.images.set_index("image_id"), new.images.set_index("image_id")
    both = before.index.intersection(after.index).sort_values()
    digests = ["sha256_exposure", "sha256_residual"]
    differs = (before.loc[both, digests] != after.loc[both, digests]).any(axis=1)
    changes = [_image_change(old, new, before.loc[i], after.loc[i], str(i)) for i in both[differs]]
    references = _changed_references(old.scenes, new.scenes)
    old_scenes, new_scenes = set(old.scenes["scene_id"]), set(new.scenes["scene_id"])
    images_added = sorted(set(after.index) - set(before.index))
    images_removed = sorted(set(before.index) - set(after.index))
    touched = {*(c.scene_id for c in changes), *references}
    touched |= {str(after.loc[i, "scene_id"]) for i in images_added}
    touched |= {str(before.loc[i, "scene_id"]) for i in images_removed}
    return ReleaseDiff(
        old=f"{old.head['name']} {old.version}",
        new=f"{new.head['name']} {new.version}",
        scenes_added=sorted(new_scenes - old_scenes),
        scenes_removed=sorted(old_scenes - new_scenes),
        scenes_changed=sorted(touched & old_scenes & new_scenes),
        references_changed=references,
        images_added=images_added,
        images_removed=images_removed,
        images_changed=changes,
        moved_in_splits=_moved(old.splits, new.splits),
        corrections_by=_new_corrections(old.provenance, new.provenance),
        labels_changed=_changed_labels(old.scenes, new.scenes),
        withdrawn={
            str(entry["scene_id"]): str(entry["reason"])
            for entry in new.head.get("withdrawn", [])
            if entry["scene_id"] in old_scenes - new_scenes
        },
    )


def _image_change(
    old: Release, new: Release, before: "pd.Series[str]", after: "pd.Series[str]", image_id: str
) -> ImageChange:
    exposure_changed = bool(before["sha256_exposure"] != after["sha256_exposure"])
    pixels, mean_change, validity = 0, 0.0, 0
    resized = bool(before["frame"] != after["frame"])
    if not resized and before["sha256_residual"] != after["sha256_residual"]:
        was = old.array(str(before["frame"]), "residual")[int(before["index"])]
        now = new.array(str(after["frame"]), "residual")[int(after["index"])]
        valid = (was != INVALID_CODE) & (now != INVALID_CODE)
        distance = np.abs(now.astype(np.int32) - was)[valid]
        pixels = int((was != now).sum())
        mean_change = float(distance.mean() / RESIDUAL_SCALE) if distance.size else 0.0
        validity = int(((was == INVALID_CODE) != (now == INVALID_CODE)).sum())
    return ImageChange(
        image_id=image_id,
        scene_id=str(after["scene_id"]),
        level=str(after["level"]),
        exposure_changed=exposure_changed,
        pixels=pixels,
        mean_change=mean_change,
        validity_pixels=validity,
        resized=resized,
    )


def _changed_references(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    merged = old.merge(new, on="scene_id", suffixes=("_old", "_new"))
    changed = merged["sha256_reference_old"] != merged["sha256_reference_new"]
    return sorted(merged.loc[changed, "scene_id"])


def _changed_labels(old: pd.DataFrame, new: pd.DataFrame) -> list[LabelChange]:
    before, after = old.set_index("scene_id"), new.set_index("scene_id")
    both = before.index.intersection(after.index).sort_values()
    found = []
    for column in sorted({name for name in (*before.columns, *after.columns) if is_label(name)}):
        for scene_id in both:
            was, now = _cell(before, scene_id, column), _cell(after, scene_id, column)
            if was != now:
                found.append(LabelChange(str(scene_id), column, was, now))
    return sorted(found, key=lambda change: (change.scene_id, change.column))


def _cell(table: pd.DataFrame, scene_id: str, column: str) -> str:
    found = table.loc[[scene_id], column].dropna().tolist() if column in table.columns else []
    return str(found[0]) if found else ""


def _moved(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, int]:
    """Return how many scenes of both releases changed their split, by scheme of both."""
    merged = old.merge(new, on="scene_id", suffixes=("_old", "_new"))
    shared = [name for name in old.columns if name != "scene_id" and name in new.columns]
    moved = {name: int((merged[f"{name}_old"] != merged[f"{name}_new"]).sum()) for name in shared}
    return {name: count for name, count in moved.items() if count}


def _new_corrections(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, int]:
    """Return by annotator how many more (or fewer) corrections the newer release has."""
    counts = new.groupby("annotator")["corrections"].sum()
    change = counts.sub(old.groupby("annotator")["corrections"].sum(), fill_value=0).astype(int)
    return {str(name): int(count) for name, count in change.items() if count}
