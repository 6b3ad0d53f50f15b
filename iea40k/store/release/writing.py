"""Writing a release: beside its place, shard by shard, checked, and renamed when it is whole.

    OUT/arrays/HEIGHTxWIDTH/ARRAY/   Zarr v3, one group a frame shape
    OUT/tables/*.parquet             images, scenes, splits, provenance
    OUT/preview/*.parquet            small pictures of the images, a file a split
    OUT/README.md, CITATION.cff, croissant.json, LICENCES.csv
    OUT/SHA256SUMS                   of every file above
    OUT/release.json                 what this is, with the sha256 of SHA256SUMS
    OUT/ROOT.sha256                  the root digest: that of release.json

A run that was killed leaves `.OUT.partial` beside OUT; the same command goes on there.
"""

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from iea40k.composition import compose
from iea40k.composition_picture import composition_picture
from iea40k.errors import AlreadyExistsError, BadInputError, StoreError
from iea40k.escaping import csv_text
from iea40k.files import (
    AnyPath,
    disk_errors,
    make_folders,
    publish_folder,
    sha256_file,
    write_atomic,
    write_file_with,
)
from iea40k.recipe import digest
from iea40k.store.each import Each
from iea40k.store.kinds import kind_of
from iea40k.store.layout import Store
from iea40k.store.locks import FileLock
from iea40k.store.release import arrays, content, tables
from iea40k.store.release.array_check import array_facts
from iea40k.store.release.card import dataset_card
from iea40k.store.release.citation import citation_file
from iea40k.store.release.croissant import croissant
from iea40k.store.release.division import Division, divide
from iea40k.store.release.journal import FILE as JOURNAL
from iea40k.store.release.journal import Journal
from iea40k.store.release.labels import LabelsOf
from iea40k.store.release.outgoing import Outgoing, remember, what_may_go_out
from iea40k.store.release.plan import Plan, ReleaseOptions, licence_counts, make_plan
from iea40k.store.release.preview import write_preview
from iea40k.store.release.reading import FORMAT, FORMAT_VERSION, Release
from iea40k.store.release.root import root_digest, root_line
from iea40k.store.release.splits import scheme_name, split_sizes
from iea40k.temporaries import clear_temporaries
from iea40k.uncertainty import PARTS

_DATE = re.compile(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")
AgreementOf = Callable[[Collection[str]], Mapping[str, Any]]
"""Gives what the card says of how far annotators agree on scenes (`iea40k.store.ledger.agreed`)."""
_VERSION = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")


def write_release(
    store: Store,
    out: AnyPath,
    options: ReleaseOptions,
    *,
    labels_of: LabelsOf | None = None,
    agreement_of: AgreementOf | None = None,
    outgoing: Outgoing | None = None,
    progress: arrays.Progress | None = None,
    each: Each = map,
) -> Release:
    """Write a release of `store` to `out`, whole or not at all; the same store gives the same bytes.

    `labels_of` replays corrections over a scene's residuals (None: the base residuals); what it replays is fixed by
    `options.ledger`, for instance a cursor. `agreement_of` says how far the annotators of these scenes agree there
    (None: the card says that it is not known). `outgoing`: what may go out, with which labels (None: what
    `what_may_go_out` says; `Outgoing()`: every scene, as it was built). `progress(images done, images, frame shape)`
    is called a shard. `each` spreads the shards over processes; every shard has one writer.

    A store that may not be changed is released too; then the release alone knows which split its new scenes are in.

    Raises `BadInputError` for a version that is not X.Y.Z or an empty store, `LicenceError` where no scene has a
    licence asked for, `AlreadyExistsError` where `out` holds anything, `StoreError` where another process writes this
    very release or the disk is full, and `CorruptDataError` where a scene of the store is damaged.
    """
    out = Path(out)
    check_version(options.version)
    if options.published and not _DATE.fullmatch(options.published):
        raise BadInputError("not a date of publication", expected="YYYY-MM-DD", got=options.published)
    with disk_errors(out):
        make_folders(out.parent)
        partial = out.parent / f".{out.name}.partial"
        lock = FileLock(out.parent / f".{out.name}.lock")
        if not lock.acquire():
            raise StoreError(
                "another process is writing this release", where=out, remedy="wait until it has finished"
            )
        try:
            _check_free(out)  # with the lock: one that a killed run left goes away here
            outgoing = what_may_go_out(store) if outgoing is None else outgoing
            plan = make_plan(store, options, outgoing)
            recipe = {
                **plan.recipe(),
                "corrected": labels_of is not None,
                "outgoing": outgoing.digest(),
            }
            journal = Journal(partial, digest(recipe))
            division = divide(store, plan)
            arrays.write_arrays(store, plan, journal, labels_of, progress or (lambda *_: None), each)
            agreed = agreement_of([scene.scene_id for scene in plan.scenes]) if agreement_of else {}
            _finish(plan, division, journal, recipe, {**_withdrawn(outgoing), "agreement": dict(agreed)})
            remember(store, outgoing)
            publish_folder(partial, out)
        finally:
            lock.release()
    return Release.open(out)


def check_version(version: str) -> str:
    """Return `version` if it is X.Y.Z, else raise `BadInputError`."""
    if not _VERSION.fullmatch(version):
        raise BadInputError("not a version", expected="three numbers, X.Y.Z, such as 1.0.0", got=version)
    return version


def _check_free(out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        out.rmdir()  # a folder made beforehand is no release
    if out.exists() or out.is_symlink():
        raise AlreadyExistsError(
            "this is a store, and a release needs a folder of its own"
            if kind_of(out) == "store"
            else "a published release is never overwritten",
            where=out,
            remedy="name another folder, and give a changed release a version of its own",
        )


def _withdrawn(outgoing: Outgoing) -> dict[str, Any]:
    """Return what release.json says of scenes that the store has and that stayed behind."""
    entries = sorted(outgoing.withdrawn.items())
    return {"withdrawn": [{"scene_id": scene_id, "reason": reason} for scene_id, reason in entries]}


def _finish(
    plan: Plan,
    division: Division,
    journal: Journal,
    recipe: Mapping[str, Any],
    more: Mapping[str, Any],
) -> None:
    """Write all that follows the arrays; the root digest last. Nothing but what a release holds is published."""
    folder = journal.folder
    _clear(folder)
    rows = tables.write_tables(
        folder, plan, division, journal.rows(arrays.IMAGES), journal.rows(arrays.SCENES)
    )
    held = {f.name: (*arrays.image_arrays(f, recipe["corrected"]), *arrays.SCENE_ARRAYS) for f in plan.frames}
    facts = _facts(plan, rows, recipe) | division.facts() | dict(more) | {"arrays": _arrays(folder, held)}
    write_atomic(folder / content.LICENCES, _licences(rows["images"]))
    facts["files"] = [content.CITATION, *_preview(folder, rows, facts)]
    write_atomic(folder / content.CITATION, citation_file(facts, plan.options.about))
    write_atomic(folder / content.CARD, dataset_card(facts))
    _draw_composition(plan, folder / content.COMPOSITION)
    names = content.summed_files(folder, held, facts["files"])
    known = journal.files()
    sums = {name: known.get(name) or sha256_file(folder / name) for name in names - {content.CROISSANT}}
    write_atomic(folder / content.CROISSANT, _json(croissant(facts, folder, sums)))
    sums[content.CROISSANT] = sha256_file(folder / content.CROISSANT)
    write_atomic(folder / content.SUMS, "".join(f"{sha}  {path}\n" for path, sha in sorted(sums.items())))
    head = {**facts, "root": content.ROOT, "sha256sums": sha256_file(folder / content.SUMS)}
    write_atomic(folder / content.HEAD, _json(head))
    write_atomic(folder / content.ROOT, root_line(root_digest(folder)))
    _check_closed(folder, {*names, content.SUMS, content.HEAD, content.ROOT, JOURNAL})
    journal.remove()


def _preview(folder: Path, rows: Mapping[str, Sequence[Any]], facts: Mapping[str, Any]) -> list[str]:
    scheme = next(iter(facts["splits"]), None)
    split_of = {row["scene_id"]: "train" if scheme is None else row[scheme] for row in rows["splits"]}
    return write_preview(folder, rows["images"], split_of)


def _clear(folder: Path) -> None:
    """Take away what a killed run left of this phase: the files that seal a release, and temporaries of ours."""
    for sealing in content.UNSUMMED:
        (folder / sealing).unlink(missing_ok=True)
    clear_temporaries(folder)
    clear_temporaries(folder / content.TABLES)
    clear_temporaries(folder / content.PREVIEW)


def _check_closed(folder: Path, names: Collection[str]) -> None:
    for stranger in content.strangers(folder, names):
        raise StoreError(
            "something that is not of the release lies where it is written, so it was not published",
            where=stranger.where,
            remedy="move it away and run the same command again: it goes on where it stopped",
        )


def _arrays(folder: Path, held: Mapping[str, Collection[str]]) -> dict[str, dict[str, Any]]:
    """Return what a reader checks an array against before it believes it: shape, dtype, digest of its metadata."""
    return {
        frame: {name: array_facts(folder, frame, name) for name in sorted(names)}
        for frame, names in sorted(held.items())
    }


def _facts(plan: Plan, rows: Mapping[str, Sequence[Any]], recipe: Mapping[str, Any]) -> dict[str, Any]:
    options = plan.options
    random = [scheme_name(number) for number in range(options.splits)]
    named = [name for name in rows["splits"][0] if name != "scene_id"]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": options.name,
        "version": options.version,
        "published": options.published,
        **({"about": options.about.facts()} if options.about.facts() else {}),
        "scenes": len(plan.scenes),
        "images": plan.images,
        "frames": {f.name: {"images": f.images, "scenes": len(f.scenes)} for f in plan.frames},
        "licences": licence_counts(plan.scenes),
        "splits": {
            name: {
                "kind": "hashed" if name in random else "given",
                **split_sizes({row["scene_id"]: row[name] for row in rows["splits"]}),
            }
            for name in named
        },
        "uncertainty": _uncertainty(rows["images"]),
        "composition": compose((s.attributes, len(s.levels)) for s in plan.scenes).facts(),
        "fusions": _fusions(plan),
        "levels": dict(Counter(row["level"] for row in sorted(rows["images"], key=lambda row: row["ev"]))),
        "tone": _tone(rows["scenes"]),
        "seed": options.seed,
        "ratios": list(options.ratios),
        "corrected_images": len({row["image_id"] for row in rows["provenance"]}),
        "ledger": dict(options.ledger),
        "options": asdict(options),
        "software": recipe["software"],
        "recipe_digest": digest(recipe),
    }


def _fusions(plan: Plan) -> dict[str, int]:
    """Return how many references each revision of the fusion made, the oldest first."""
    made = Counter(scene.fusion for scene in plan.scenes if scene.fusion is not None)
    return {str(revision): made[revision] for revision in sorted(made)}


def _uncertainty(images: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the root mean square of each part of the labels' uncertainty, and of all together, over the
    images that have it."""
    found = []
    for name, column in (*((part, f"uncertainty_{part}") for part in PARTS), ("together", "uncertainty")):
        squares = [float(row[column]) ** 2 for row in images if row.get(column) is not None]
        if squares:
            sd = round(math.sqrt(sum(squares) / len(squares)), 6)
            found.append({"name": name, "about": PARTS.get(name, ""), "sd": sd, "images": len(squares)})
    return found


def _tone(scenes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the tone match did to the exposures: in how many scenes, and by how much it moved EV 0
    (mean, largest)."""
    changes = [float(row["tone_change"]) for row in scenes if row.get("tone_change")]
    if not changes:
        return {"scenes": 0, "mean_change": 0.0, "largest_change": 0.0}
    mean = round(sum(changes) / len(changes), 5)
    return {"scenes": len(changes), "mean_change": mean, "largest_change": max(changes)}


def _draw_composition(plan: Plan, file: Path) -> None:
    picture = composition_picture(compose((s.attributes, len(s.levels)) for s in plan.scenes))
    write_file_with(file, lambda path: Image.fromarray(picture).save(path, "PNG"))


def _licences(images: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_id", "licence", "source"])
    names = ("image_id", "licence", "source")
    writer.writerows([csv_text(row[name]) for name in names] for row in images)
    return text.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
