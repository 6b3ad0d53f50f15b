"""What `iea40k release`, `verify` and `diff` tell a person, line by line."""

from collections.abc import Mapping
from typing import Any

from iea40k.store.release import ReleaseDiff

_SHOWN = 20


def division_lines(head: Mapping[str, Any]) -> list[str]:
    """Return what a release's head says of near-twins, leaks and scenes in no split."""
    lines = []
    if head.get("twins"):
        lines.append(f"near-twins: {len(head['twins'])} pairs, kept together in every random split scheme")
    for leak in head.get("leaks", []):
        where = ", ".join(f"{scene} ({split})" for scene, split in leak["splits"].items())
        lines.append(
            f"leak of {leak['scheme']}, given or published so before: the same photograph is in {where}"
        )
    for scheme, scenes in head.get("in_no_split", {}).items():
        lines.append(
            f"{scheme}: in no split, since scenes published before are near-twins of them in different ones: "
            + ", ".join(scenes)
        )
    return lines


def unknown_labels(labels: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a line for each label that goes out though the taxonomy does not have it."""
    from pipelines.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    return [
        f"{scene_id}: {column} '{cells.get(column, '')}' is not in the taxonomy; it goes out as it is"
        for scene_id, cells in sorted(labels.items())
        for column in taxonomy.faults(cells)
    ]


def withdrawn_lines(head: Mapping[str, Any]) -> list[str]:
    """Return what a release's head says of scenes that the store has and that stayed behind."""
    return [f"left out  {entry['scene_id']}: {entry['reason']}" for entry in head.get("withdrawn", [])]


def fusion_lines(head: Mapping[str, Any]) -> list[str]:
    """Return what a release's head says of fusions that are not all made alike."""
    made = head.get("fusions", {})
    if len(made) < 2:
        return []
    counts = ", ".join(f"revision {revision} in {count} scenes" for revision, count in made.items())
    return [
        f"references of several revisions of the fusion: {counts}; the card says so. "
        "`iea40k build MANIFEST STORE --renew` makes them alike"
    ]


def diff_text(found: ReleaseDiff) -> str:
    """Return what changed between two releases, as people read it."""
    if found.nothing():
        return f"{found.old} and {found.new} hold the same scenes, labels, pixels and splits"
    lines = [f"{found.old} -> {found.new}"]
    for title, names in (
        ("scenes added", found.scenes_added),
        ("scenes removed", found.scenes_removed),
        ("scenes changed", found.scenes_changed),
        ("references changed", found.references_changed),
        ("images added", found.images_added),
        ("images removed", found.images_removed),
    ):
        if names:
            shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            lines.append(f"{title + ':':<20}{len(names):>6}  {shown}")
    lines += [f"{'withdrawn:':<28}{scene}: {reason}" for scene, reason in found.withdrawn.items()]
    for label in found.labels_changed[:_SHOWN]:
        words = f"{label.column} {label.old or 'none'} -> {label.new or 'none'}"
        lines.append(f"{'label changed:':<28}{label.scene_id}: {words}")
    if len(found.labels_changed) > _SHOWN:
        lines.append(f"{'':<28}... and {len(found.labels_changed) - _SHOWN} more labels; --json has all")
    if found.images_changed:
        lines.append(
            f"{'images changed:':<20}{len(found.images_changed):>6}  {found.pixels_changed} residual pixels in all"
        )
        widest = sorted(found.images_changed, key=lambda change: -change.pixels)
        for change in widest[:_SHOWN]:
            what = [f"{change.pixels} pixels, mean change {change.mean_change:.4f}"]
            if change.resized:
                what = ["another frame size"]
            if change.exposure_changed:
                what.append("another exposure")
            lines.append(f"{'':<28}{change.image_id}: {', '.join(what)}")
        if len(widest) > _SHOWN:
            lines.append(f"{'':<28}... and {len(widest) - _SHOWN} more; --json has all")
    lines += [f"{name + ' moved:':<20}{count:>6}  scenes" for name, count in found.moved_in_splits.items()]
    lines += [f"{name + ':':<20}{count:>+6}  corrections" for name, count in found.corrections_by.items()]
    return "\n".join(lines)
