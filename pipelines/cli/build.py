"""`iea40k build` and `iea40k status`."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.table import Column, Table
from rich.text import Text

from iea40k.store.kinds import LEDGER_FILE
from iea40k.store.layout import Store, StoreCounts
from iea40k.terminal import Terminal, say
from pipelines.cli.options import AsJson, Count, Root
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages

if TYPE_CHECKING:
    from pipelines.build import BuildReport


def build(
    manifest: Annotated[Path, typer.Argument(help="The manifest: CSV or parquet, one row a scene.")],
    store: Annotated[Path, typer.Argument(help="The store's folder; made where it is absent.")],
    config: Annotated[Path | None, typer.Option(help="A YAML file of build parameters.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Build this scene only; may be repeated.")] = None,
    renew: Annotated[
        bool,
        typer.Option(
            "--renew",
            help="Build scenes again whose reference an older version fused, or whose RAW files it developed.",
        ),
    ] = False,
    root: Root = None,
    workers: Count = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="An existing Dask scheduler, such as tcp://10.0.0.1:8786."),
    ] = None,
    tls_ca: Annotated[
        Path | None, typer.Option(help="PEM file of the authority that signed the cluster's certificates.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file of this client's certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    as_json: AsJson = False,
) -> int:
    """Develop, align, subtract and check every scene of a manifest. Runs again where it was stopped."""
    from pipelines.build import build as run
    from pipelines.config import read_config
    from pipelines.executor import Workers
    from pipelines.scene_task import FAILED, Outcome, Status

    settings = read_config(config)
    who = Workers(workers, scheduler, tls_ca, tls_cert, tls_key)
    with Progress("building", "scenes") as bar:

        def advance(outcome: Outcome, done: int, total: int) -> None:
            bar.update(done, total, outcome.scene_id)
            if outcome.status in FAILED:
                bar.say(f"{outcome.scene_id}: {outcome.message}", style="red")
            if outcome.status == "rebuilt":
                bar.say(f"{outcome.scene_id}: built again, since {outcome.message}", style="yellow")
            for frame in outcome.left_out:
                bar.say(frame.line(), style="yellow")

        report: BuildReport = run(
            manifest,
            store,
            settings,
            root=root,
            only=only or (),
            renew=renew,
            workers=who,
            progress=advance,
            learning=lambda done, total, scene_id: bar.aside("learning cameras", done, total, scene_id),
            say=bar.say,
        )
    for problem in report.bad_rows:
        messages.print(str(problem), style="red", markup=False)
    for line in _told(report, Store.open(store)):
        messages.print(line, style="yellow", markup=False)
    counts = {name: report.count(name) for name in get_args(Status)}
    summary = ", ".join(f"{count} {name}" for name, count in counts.items() if count or name != "refused")
    bad_rows = f", {len(report.bad_rows)} bad cells in the manifest" if report.bad_rows else ""
    left_out = f", {len(report.left_out)} frames left out" if report.left_out else ""
    memory = f", at most {report.memory / 2**20:.0f} MiB a worker" if report.memory else ""
    messages.print(
        f"{store}: {summary}{left_out}{bad_rows}{memory}", style="yellow" if report.failures else "green"
    )
    listing = Store.open(store).listing
    root_digest = listing.root() if listing.kept else None
    if root_digest is not None:
        messages.print(f"root digest {root_digest}", markup=False, soft_wrap=True)
    if as_json:
        outcomes = [dataclasses.asdict(outcome) for outcome in report.outcomes]
        bad = [str(problem) for problem in report.bad_rows]
        result = {
            **counts,
            "scenes": outcomes,
            "bad_cells": bad,
            "changes": [dataclasses.asdict(change) for change in report.changes],
            "unlisted": list(report.unlisted),
            "older_fusions": report.older_fusions,
            "older_raws": report.older_raws,
            "peak_memory": report.memory,
            "root_digest": root_digest,
        }
        typer.echo(json.dumps(result))
    return FAILURES if report.failures else DONE


def _told(report: "BuildReport", store: Store) -> list[str]:
    """Return what a person should know of a finished build: changed labels, scenes withdrawn, strokes now stale."""
    lines = [change.words for change in report.changes if change.what != "added"]
    if report.unlisted:
        lines.append(
            f"no longer in the manifest, a release will leave them out ({len(report.unlisted)}): "
            + ", ".join(report.unlisted[:10])
            + (", ..." if len(report.unlisted) > 10 else "")
        )
    lines += [
        f"{words}; the same build with --renew builds them anew, and marks strokes on them stale"
        for words in older_words(report.older_fusions, report.older_raws)
    ]
    rebuilt = {outcome.scene_id for outcome in report.outcomes if outcome.status == "rebuilt"}
    if rebuilt and (store.path / LEDGER_FILE).is_file():
        from iea40k.store.ledger import Ledger
        from iea40k.store.ledger.rereview import stale_maps

        with Ledger.open(str(store.path)) as ledger:
            stale = [found for found in stale_maps(ledger, store) if found.map_key.scene_id in rebuilt]
        lines += [
            f"{found.map_key.scene_id} {found.map_key.level}: {found.strokes} strokes of {found.map_key.annotator} "
            "were drawn on what the scene was before; they are stale"
            for found in stale
        ]
        if stale:
            lines.append(f"`iea40k queue {store.path} stale` offers them to their authors again")
    return lines


def older_words(fused: list[str], developed: list[str]) -> list[str]:
    """Return what a person should know of scenes that an older version fused, and whose RAW files it developed."""
    lines = (
        ("references fused by an older version, which exposed some scenes differently", fused),
        ("RAW files developed by an older version, whose fine colours differ a little", developed),
    )
    return [
        f"{what} ({len(scenes)}): " + ", ".join(scenes[:10]) + (", ..." if len(scenes) > 10 else "")
        for what, scenes in lines
        if scenes
    ]


def status(
    store: Annotated[Path, typer.Argument(help="The store.")],
    sheet: Annotated[Path | None, typer.Option(help="Also draw contact sheets into this folder.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Also draw what the store is made of into this PNG file.")
    ] = None,
    workers: Count = 1,
    as_json: AsJson = False,
) -> int:
    """Say what a store holds, what is in quarantine and why, and what deserves a look first."""
    from iea40k.composition import compose, words
    from iea40k.fusion.judging import BOTH
    from iea40k.fusion.revisions import is_older
    from pipelines.left_out import left_out_of
    from pipelines.raw_revisions import is_older_raw
    from pipelines.reference_judging import judged_before, ranked_references
    from pipelines.store_now import doubts_of, store_now

    opened = Store.open(store)
    if sheet is not None:
        from pipelines.executor import Workers, open_executor
        from pipelines.sheets import write_contact_sheets

        with Progress("drawing", "scenes") as bar, open_executor(Workers(workers)) as executor:
            write_contact_sheets(opened, sheet, progress=bar.update, each=executor.map)
    now = store_now(opened)
    quarantined = now.quarantined
    scenes, older, older_raws, judged_then = [], [], [], []  # read once, for all that follows
    for scene_id in sorted(set(opened.scene_ids()) - set(now.withdrawn)):
        scene = opened.open_scene(scene_id)
        older += [scene_id] if is_older(scene.recipe) else []
        older_raws += [scene_id] if is_older_raw(scene.recipe) else []
        judged_then += [scene_id] if judged_before(scene.attributes, scene.recipe) else []
        scenes.append(
            dataclasses.replace(scene, recipe={}, digests={})
        )  # most of it, and not asked for below
    exposures = sum(len(scene.levels) for scene in scenes)
    counts = StoreCounts(len(scenes), exposures, len(opened.quarantined()))
    ranked = sorted(
        (-value, scene.scene_id, level)
        for scene in scenes
        for level, value in zip(scene.levels, scene.review_priority, strict=True)
    )
    left_out = [frame for scene in scenes for frame in left_out_of(scene.scene_id, scene.attributes)]
    references = ranked_references(scenes)
    doubts = [doubt for scene in scenes if (doubt := doubts_of(scene)) is not None]
    composition = compose((now.attributes(scene), len(scene.levels)) for scene in scenes)
    if picture is not None:
        from iea40k.composition_picture import composition_picture
        from pipelines.sheets import write_png

        write_png(composition_picture(composition), picture)
    if as_json:
        ranking = [{"scene_id": s, "level": lv, "review_priority": -v} for v, s, lv in ranked]
        failed = [vars(entry) for entry in quarantined]
        judged = [vars(reference) for reference in references]
        result = {
            **vars(counts),
            "quarantined": len(quarantined),
            "composition": composition.facts(),
            "quarantine": failed,
            "quarantine_unlisted": [vars(entry) for entry in now.forgotten],
            "withdrawn": list(now.withdrawn),
            "manifest_problem": now.problem,
            "ev_warnings": [dataclasses.asdict(doubt) for doubt in doubts],
            "left_out": [vars(frame) for frame in left_out],
            "references": judged,
            "older_fusions": older,
            "older_raws": older_raws,
            "older_judgements": judged_then,
            "review_first": ranking,
        }
        typer.echo(json.dumps(result))
        return DONE
    say(
        f"{store}: {counts.scenes} scenes, {counts.exposures} exposures, {len(left_out)} frames left out, "
        f"{len(quarantined)} in quarantine"
    )
    if now.problem:
        messages.print(now.problem, style="yellow", markup=False)
    if now.withdrawn:
        say(
            f"no longer in the manifest: a release leaves them out, and the queue gives them to nobody "
            f"({len(now.withdrawn)}): " + ", ".join(now.withdrawn)
        )
    if now.forgotten:
        names = ", ".join(entry.scene_id for entry in now.forgotten)
        say(f"failed before and no longer in the manifest ({len(now.forgotten)}): {names}")
    for line in older_words(older, older_raws):
        say(f"{line}; `iea40k build MANIFEST {store} --renew` builds them anew")
    if only_judged := [scene_id for scene_id in judged_then if scene_id not in older]:
        say(
            f"references judged by an older version, which did not look for double contours ({len(only_judged)}): "
            + ", ".join(only_judged[:10])
            + (", ..." if len(only_judged) > 10 else "")
            + f"; `iea40k build MANIFEST {store} --renew` judges them anew"
        )
    if composition.images:
        say(words(composition))
    results = Terminal()
    if quarantined:
        table = Table("scene", Column("why", overflow="fold"), title="in quarantine", show_lines=True)
        for entry in quarantined:
            table.add_row(Text(entry.scene_id), Text(entry.message))
        results.print(table)
    if left_out:
        table = Table("scene", "frame", "score", Column("why", overflow="fold"), title="frames left out")
        for frame in left_out:
            score = "" if frame.score is None else f"{frame.score:.2f}"
            table.add_row(Text(frame.scene_id), Text(frame.name), score, Text(frame.reason))
        results.print(table)
    if doubts:
        table = Table("scene", Column("exposures in doubt", overflow="fold"), "frames left out")
        for doubt in doubts:
            table.add_row(Text(doubt.scene_id), Text(doubt.warning), Text(", ".join(doubt.left_out)))
        results.print(table)
    if ranked:
        table = Table("priority", "scene", "level", title="look at these first")
        for value, scene_id, level in ranked[:10]:
            table.add_row(f"{-value:.3f}", Text(scene_id), level)
        results.print(table)
    if references and references[0].quality < 1:
        table = Table(
            "quality", "scene", Column("what is wrong", overflow="fold"), title="references, the worst first"
        )
        for reference in references[:10]:
            if reference.quality < 1:
                ends = f"; {reference.ends}" if reference.ends not in ("", BOTH) else ""
                table.add_row(
                    f"{reference.quality:.2f}", Text(reference.scene_id), Text(reference.words + ends)
                )
        results.print(table)
    return DONE
