"""Whether a scene of a manifest is in the store as it would be built now, or how it differs."""

from collections.abc import Mapping
from typing import Any

from iea40k.errors import AlreadyExistsError
from iea40k.files import sha256_file
from iea40k.fusion.fusing import REVISION
from iea40k.fusion.revisions import is_older, revision_of
from iea40k.label_names import is_label
from iea40k.manifest_columns import COLUMNS
from iea40k.recipe import canonical_json
from iea40k.scene import Scene, SourceFile
from iea40k.store.layout import Store
from iea40k.store.listing import METADATA
from iea40k.store.scenes import StoredScene
from pipelines.config import BuildConfig
from pipelines.raw_revisions import is_older_raw, raw_revision, raw_revision_now
from pipelines.reference_judging import judged_before
from pipelines.scene_build import plan_digest

ABSENT = "absent"
"""The scene is not in the store."""


def why_build(scene: Scene, config: BuildConfig, store: Store, *, renew: bool = False) -> str:
    """Return why a scene must be built: "" where it stands in the store already, `ABSENT`, or what changed.

    With `renew`, a reference that an older revision of the fusion made, or of the judgement judged, is a reason too,
    and RAW files that an older one developed.
    Raises `AlreadyExistsError` where the store was built with another configuration.
    """
    if not store.has_scene(scene.scene_id):
        return ABSENT
    stored = store.open_scene(scene.scene_id)
    if _same_plan(scene, config, stored):
        touched = _changed_in_place(scene, stored)
        if touched:
            return f"{touched} changed"
        if renew and is_older(stored.recipe):
            made = revision_of(stored.recipe)
            return f"its reference is of revision {made} of the fusion, and {REVISION} is made now"
        if renew and is_older_raw(stored.recipe):
            made = raw_revision(stored.recipe)
            return f"its RAW files were developed by revision {made}, and {raw_revision_now()} is made now"
        if renew and judged_before(stored.attributes, stored.recipe):
            return "its reference was judged by an older version"
        return ""
    recorded = stored.recipe.get("config")
    if recorded is None or canonical_json(recorded) != canonical_json(config.recorded()):
        raise AlreadyExistsError(
            "the scene is in the store, built with another configuration; it was left as it is",
            where=store.scene_path(scene.scene_id),
            remedy="build into a new store, or go on with the configuration that this one was built with",
        )
    return _changes(scene, stored)


def _same_plan(scene: Scene, config: BuildConfig, stored: StoredScene) -> bool:
    there = stored.recipe.get("plan")
    if there == plan_digest(scene, config):
        return True
    # Earlier versions counted the labels that the scene then had.
    columns = {k: v for k, v in stored.attributes.items() if (k in COLUMNS or is_label(k)) and k != "kind"}
    given = "simulation" in scene.attributes
    then = {k: v for k, v in columns.items() if k != "simulation" or given}
    return bool(there == plan_digest(scene, config, attributes=then))


def _changed_in_place(scene: Scene, stored: StoredScene) -> str:
    """Return the file that was written after the scene was built and is not what it was built from; "" for none.

    Only such files are read: for most scenes, times are all that is looked at.
    """
    built = (stored.folder / METADATA).stat().st_mtime
    inputs: Mapping[str, str] = stored.recipe.get("inputs", {})
    for source in (*scene.exposures, *scene.references):
        about = source.path.stat()
        newer = max(about.st_mtime, about.st_ctime) > built
        if newer and inputs.get(source.name, "") != sha256_file(source.path):
            return source.name
    return ""


def _changes(scene: Scene, stored: StoredScene) -> str:
    inputs: Mapping[str, str] = stored.recipe.get("inputs", {})
    words = []
    for what, sources in (("exposure", scene.exposures), ("reference", scene.references)):
        words += [f"{what} {source.name} changed" for source in sources if _is_other(source, inputs)]
    known = {source.name for source in (*scene.exposures, *scene.references)}
    words += [f"{name} is no longer of it" for name in sorted(set(inputs) - known)]
    return ", ".join(words) or "its EVs, experts or simulation changed"


def _is_other(source: SourceFile, inputs: Mapping[str, Any]) -> bool:
    return source.name not in inputs or inputs[source.name] != (source.sha256 or sha256_file(source.path))
