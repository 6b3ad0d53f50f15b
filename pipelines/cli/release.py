"""`iea40k release`, `verify` and `diff`: cut a release, check it, compare two."""

import json
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from iea40k.errors import (
    BadInputError,
    CorruptDataError,
    IEAError,
    StoreError,
)
from iea40k.places import address_of, name_of
from iea40k.store.each import Each
from iea40k.store.kinds import kind_of, neither
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.agreed import release_agreement
from iea40k.store.ledger.labels import ledger_facts, ledger_labels
from iea40k.store.ledger.rated import weighing
from iea40k.store.ledger.seals import Seal, broken_seals, keep_seal, kept_seals
from iea40k.store.release import (
    Release,
    ReleaseOptions,
    diff_releases,
    verify_release,
    write_release,
)
from iea40k.store.release.content import HEAD
from iea40k.store.release.outgoing import what_may_go_out
from iea40k.store.release.publication import Publication
from iea40k.store.release.root import parse_root
from iea40k.store.release.signature import check_signature
from iea40k.store.remote.verifying import on_this_disk, seen_from
from iea40k.store.verify import make_list, verify_store
from iea40k.terminal import say
from pipelines.cli.options import AsJson, Count
from pipelines.cli.progress import Progress
from pipelines.cli.queue_group import LedgerOption, ledger_of, typed
from pipelines.cli.release_words import (
    diff_text,
    division_lines,
    fusion_lines,
    unknown_labels,
    withdrawn_lines,
)
from pipelines.cli.terminal import DONE, FAILURES, messages
from pipelines.executor import Workers, open_executor

_NOT_NOTED = (
    "the splits of its new scenes, and what its manifests say, are noted in this release alone. A later release keeps "
    "those splits only while the scenes stay the same: cut it from a store that can be written before you publish two"
)


def release(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(help="The store.")],
    out: Annotated[Path, typer.Argument(help="The release's folder; it must not exist.")],
    version: Annotated[str, typer.Option("--version", help="The release's version, X.Y.Z.")],
    name: Annotated[str, typer.Option(help="The dataset's name.")] = "exposure dataset",
    seed: Annotated[int, typer.Option(help="Seed of the random splits.")] = 0,
    licence: Annotated[
        list[str] | None, typer.Option(help="Only scenes of this licence; may be given several times.")
    ] = None,
    creator: Annotated[
        list[str] | None,
        typer.Option(help='Who made it: "Family, Given", or an organisation. Repeatable.'),
    ] = None,
    citation: Annotated[str, typer.Option(help="How to cite it: text or BibTeX, or @FILE with it.")] = "",
    url: Annotated[str, typer.Option(help="Where the dataset lives.")] = "",
    doi: Annotated[str, typer.Option(help="Its DOI.")] = "",
    description: Annotated[str, typer.Option(help="What it is, in a sentence or two.")] = "",
    label_licence: Annotated[
        str, typer.Option(help="The licence of the labels; the photographs keep theirs.")
    ] = "",
    published: Annotated[str, typer.Option(help="Date of publication for the card, YYYY-MM-DD.")] = "",
    ledger: LedgerOption = None,
    cursor: Annotated[
        int | None,
        typer.Option(help="Replay the ledger up to this entry: the same bytes as then. All if left out."),
    ] = None,
    base_only: Annotated[bool, typer.Option("--base-only", help="Without any correction.")] = False,
    leave_out_stale: Annotated[
        bool,
        typer.Option("--leave-out-stale", help="Without strokes on a base that has since been rebuilt."),
    ] = False,
    consensus: Annotated[
        str,
        typer.Option(help="How several experts of an image count: raters (by how each draws) or median."),
    ] = "raters",
    workers: Count = 1,
    exclude: Annotated[
        Path | None,
        typer.Option(help="A file of scenes that stay behind: an id a line, after a comma the reason."),
    ] = None,
    manifest: Annotated[
        list[Path] | None,
        typer.Option(help="Where the store's manifests lie now, if they moved; may be given several times."),
    ] = None,
    as_built: Annotated[
        bool,
        typer.Option(
            "--as-built", help="Every scene, labelled as it was built, whatever the manifest says now."
        ),
    ] = False,
    allow_withdrawn: Annotated[
        bool,
        typer.Option("--allow-withdrawn", help="Though the manifest lists a third of the scenes no longer."),
    ] = False,
    allow_unlicensed: Annotated[
        bool, typer.Option("--allow-unlicensed", help="With scenes that have no licence.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Cut a release of a store: immutable, versioned, checksummed. A run that was stopped goes on.

    What goes out is what the store's manifest lists now, with the licences and labels that it gives now.
    """
    if consensus not in ("raters", "median"):
        raise BadInputError("no such consensus", expected="raters or median", got=consensus)
    options = ReleaseOptions(
        version=version,
        name=name,
        seed=seed,
        licences=tuple(sorted(licence or ())),
        published=published,
        about=Publication(tuple(creator or ()), _text_of(citation), url, doi, description, label_licence),
        allow_unlicensed=allow_unlicensed,
    )
    opened = Store.open(store)
    if as_built and manifest:
        raise BadInputError("--as-built takes no manifest", got=f"--manifest {manifest[0]}")
    outgoing = what_may_go_out(
        opened,
        manifests=manifest or (),
        exclude=exclude,
        as_built=as_built,
        allow_withdrawn=allow_withdrawn,
    )
    for line in unknown_labels(outgoing.labels):
        messages.print(line, style="yellow")
    with Progress("releasing", "images") as bar, ExitStack() as stack:
        executor = stack.enter_context(open_executor(Workers(workers)))
        labels_of, agreement_of = None, None
        place = None if base_only else ledger_of(context, store, ledger)
        if place == str(store) and not opened.changeable:
            raise BadInputError(
                "the store cannot be written, and its ledger is a file that even readers write beside",
                where=store,
                remedy="copy ledger.sqlite into a folder of your own and name that with --ledger FOLDER; or release "
                "without any correction: --base-only",
            )
        if place is not None:
            found = stack.enter_context(Ledger.open(place))
            facts = {**ledger_facts(found, cursor), "stale_left_out": leave_out_stale}
            model = None
            if consensus == "raters":
                how = weighing(
                    found, opened, facts["cursor"], progress=lambda done, of: bar.aside("weighing", done, of)
                )
                facts["consensus"], model = how.facts(), how.model
                if how.images:
                    messages.print(how.in_words(), markup=False)
            else:
                facts["consensus"] = {"method": "median"}
            options = replace(options, ledger=facts)
            labels_of = ledger_labels(found, facts["cursor"], leave_out_stale=leave_out_stale, model=model)
            agreement_of = partial(release_agreement, found, opened, cursor=facts["cursor"])
        written = write_release(
            opened,
            out,
            options,
            labels_of=labels_of,
            agreement_of=agreement_of,
            outgoing=outgoing,
            progress=bar.update,
            each=executor.map,
        )
        if options.ledger:
            _seal(store, options)
    if not opened.changeable:
        messages.print(f"{store} cannot be written: {_NOT_NOTED}", style="yellow", markup=False)
    if as_json:
        digests = {"root_digest": written.root, "digest": written.digest}
        typer.echo(json.dumps({"path": str(out), **digests, **written.head}))
    else:
        counts = f"{written.head['scenes']} scenes, {written.head['images']} exposures"
        messages.print(f"{out}: {name} {version}, {counts}", style="green", markup=False)
        for line in [
            *withdrawn_lines(written.head),
            *division_lines(written.head),
            *fusion_lines(written.head),
        ]:
            messages.print(line, style="yellow", markup=False)
        messages.print(f"root digest {written.root}", markup=False, soft_wrap=True)
        messages.print(
            "note it elsewhere: `iea40k verify RELEASE --root DIGEST` then finds any change", markup=False
        )
    return DONE


def verify(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A release (a folder, or an address) or a store.")],
    ledger: Annotated[
        str | None,
        typer.Option(
            help="Of a store: postgresql://HOST/DATABASE; the store's own file where left out.",
            envvar="IEA40K_LEDGER",
        ),
    ] = None,
    root: Annotated[
        str | None, typer.Option(help="The root digest that was noted of this release or store.")
    ] = None,
    public_key: Annotated[
        str | None,
        typer.Option(help="The signer's minisign key, or its file: the release must be signed by it."),
    ] = None,
    list_scenes: Annotated[
        bool,
        typer.Option(
            "--make-list", help="Of a store: first list its scenes as they stand, those that are not listed."
        ),
    ] = False,
    workers: Count = 1,
    as_json: AsJson = False,
) -> int:
    """Check every checksum, file, table and pixel of a release, or every scene of a store and its ledger's chains."""
    kind = _kind(path)
    if kind == "release" and list_scenes:
        raise BadInputError("a release has its own list and is never changed", where=path)
    if kind == "release" and typed(context):
        raise BadInputError(
            "a release has no ledger",
            where=path,
            remedy="`iea40k queue STORE verify --release RELEASE` compares the two",
        )
    place = ledger_of(context, path, ledger) if kind == "store" else None
    with Progress("verifying", "checks") as bar, open_executor(Workers(workers)) as executor:
        if kind == "release":
            check = partial(_verify_release, root=root, public_key=public_key, bar=bar, each=executor.map)
            with on_this_disk(path, bar.update) as (folder, missing):
                problems, told = (missing, Told({}, [])) if missing else check(folder)
                problems = [seen_from(problem, folder, path) for problem in problems]
        else:
            problems, told = _verify_store(Store.open(path), root, bar, executor.map, list_scenes=list_scenes)
            problems += _ledger_problems(path, place)
    if as_json:
        listed = [_as_json(problem) for problem in problems]
        typer.echo(json.dumps({"path": name_of(path), "kind": kind, **told.facts, "problems": listed}))
    elif problems:
        for problem in problems:
            messages.print(str(problem), style="red", markup=False)
        messages.print(f"{name_of(path)}: {len(problems)} problems in this {kind}", style="red", markup=False)
    else:
        messages.print(f"{name_of(path)}: this {kind} is sound", style="green", markup=False)
    if not as_json:
        for line in told.lines:
            messages.print(line, markup=False, soft_wrap=True)
    return FAILURES if problems else DONE


def diff(
    old: Annotated[Path, typer.Argument(help="The older release.")],
    new: Annotated[Path, typer.Argument(help="The newer release.")],
    as_json: AsJson = False,
) -> int:
    """Compare two releases: scenes, images, pixels, splits, and whose corrections came in between."""
    found = diff_releases(Release.open(old), Release.open(new))
    if as_json:
        typer.echo(json.dumps({**asdict(found), "pixels_changed": found.pixels_changed}))
    else:
        say(diff_text(found))
    return DONE


def _text_of(option: str) -> str:
    """Return an option's text, or that of the file that it names after an "@"."""
    if not option.startswith("@") or "{" in option:  # BibTeX begins with an @ too
        return option
    try:
        return Path(option[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError("the citation cannot be read", where=option[1:], got=str(error)) from error


def _seal(store: Path, options: ReleaseOptions) -> None:
    seal = Seal(*(options.ledger[name] for name in ("ledger_id", "cursor", "root")))
    try:
        keep_seal(store, seal, f"release {options.name} {options.version}")
    except StoreError as error:
        messages.print(f"the ledger's seal is in the release only: {error}", style="yellow", markup=False)


def _ledger_problems(store: Path, place: str | None) -> list[IEAError]:
    if place is None:
        return []
    with Ledger.open(place) as ledger:
        lines = [*ledger.tampering(), *broken_seals(ledger, kept_seals(store))]
        return [CorruptDataError(line, where=ledger.database.name) for line in lines]


class Told(NamedTuple):
    """What a person learns of a release or store beside its problems: facts for JSON, lines for the terminal."""

    facts: dict[str, Any]
    lines: list[str]


def _verify_release(
    path: Path, root: str | None, public_key: str | None, bar: Progress, each: Each
) -> tuple[list[IEAError], Told]:
    problems = verify_release(path, root=root, progress=bar.update, each=each)
    release = Release.open(path)
    signature = check_signature(path, public_key)
    if signature.state == "invalid" or (public_key is not None and signature.state == "unchecked"):
        problems.append(CorruptDataError(signature.words, where=path / HEAD))
    noted = ", which is the one that was noted" if root is not None and not problems else ""
    lines = [f"root digest {release.root}{noted}", signature.words]
    if not release.carries_root:
        lines[0] = f"this release carries no root digest (it is older); that of its {HEAD} is {release.root}"
    lines += division_lines(release.head)
    facts = {
        "leaks": release.head.get("leaks", []),
        "root_digest": release.root,
        "carries_root": release.carries_root,
        "signature": signature._asdict(),
    }
    return problems, Told(facts, lines)


def _verify_store(
    store: Store, root: str | None, bar: Progress, each: Each, *, list_scenes: bool
) -> tuple[list[IEAError], Told]:
    lines, noted = [], None if root is None else parse_root(root)
    if list_scenes:
        lines.append(f"{make_list(store, progress=bar.update)} scenes were listed as they stand")
    problems = verify_store(store, progress=bar.update, each=each)
    found = store.listing.root() if store.listing.kept else None
    if noted is not None and noted != found:
        problems.append(
            CorruptDataError(
                "the store is not what it was when its root digest was noted",
                where=store.listing.folder,
                expected=noted,
                got=found or "no list of scenes, so no digest",
                remedy="scenes that were built since change it too; restore a copy if none were",
            )
        )
    same = ", which is the one that was noted" if noted is not None and noted == found else ""
    lines += [f"root digest {found}{same}"] if found else []
    return problems, Told({"root_digest": found}, lines)


def _kind(path: Path) -> str:
    found = "release" if address_of(path) is not None else kind_of(path)
    if found is None:
        raise neither(path)
    return found


def _as_json(problem: IEAError) -> dict[str, Any]:
    where = None if problem.where is None else str(problem.where)
    return {
        "what": problem.what,
        "where": where,
        "expected": problem.expected,
        "got": problem.got,
        "remedy": problem.remedy,
    }
