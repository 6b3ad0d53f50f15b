"""`iea40k fetch`: FiveK photographs from the official site or archive, public ones by a list, a release."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iea40k.errors import IEAError
from pipelines.cli.options import AsJson
from pipelines.cli.progress import Progress
from pipelines.cli.terminal import DONE, FAILURES, messages

if TYPE_CHECKING:
    from pipelines.fetching import Report


def fivek(
    root: Annotated[Path, typer.Option("-o", "--out", help="The tree to fill; run again to go on.")],
    ids: Annotated[
        str | None, typer.Option(help="Which photos: 1-10,42,a0001-jmac_DSC1459 (default: all 5,000).")
    ] = None,
    experts: Annotated[str, typer.Option(help="Whose retouches: C, ABCDE, or none.")] = "C",
    licence: Annotated[
        list[str] | None, typer.Option(help="Only photos under this licence. Repeatable.")
    ] = None,
    metadata: Annotated[
        list[Path] | None,
        typer.Option(help="JSON tables or official lists (default: in the tree, else from the site)."),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Take DNGs out of this fivek_dataset.tar first.")
    ] = None,
    checksums: Annotated[Path | None, typer.Option(help="Known checksums, as sha256sum prints them.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also check the files that are there already.")
    ] = False,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between files.")] = 1.0,
    site: Annotated[str, typer.Option(help="Where from, if not the official site.")] = "",
    as_json: AsJson = False,
) -> int:
    """Fetch FiveK photographs: one request at a time, resumable, each verified before it gets its name.

    FiveK is for research only: see legal/LicenseAdobe.txt and legal/LicenseAdobeMIT.txt in the tree.
    """
    from pipelines import fivek_fetch as source
    from pipelines.archives import unpack
    from pipelines.download import Patience
    from pipelines.fivek_metadata import find_metadata, photo_number, read_metadata

    def wait(seconds: float) -> None:
        if seconds > 5:
            messages.print(f"the site is busy or away: waiting {seconds:.0f} s", style="yellow")
        time.sleep(seconds)

    address, patience = site or source.SITE, Patience(sleep=wait)
    letters = source.parse_experts(experts)
    if metadata is None and not find_metadata(root):
        if archive is None:
            messages.print("fetching the lists of photos and licences")
            source.fetch_lists(root, site=address, patience=patience)
        else:
            unpack(archive, root, lambda name: name.lower().endswith(".txt"))
    known = read_metadata(list(metadata or [root]))
    photos = source.choose((known.under(licence) if licence else known).photos, ids)
    if archive is not None:
        names = {f"{photo.basename}.dng" for photo in photos}
        unpack(
            archive, root, lambda name: photo_number(Path(name).stem) is not None and Path(name).name in names
        )
    wanted = source.without_unpacked(source.plan(photos, letters), root)
    sums = source.read_checksums(checksums) if checksums else {}
    with Progress("fetching", "files") as bar:
        report = source.fetch(
            wanted, root, site=address, pause=pause, patience=patience, sha256s=sums, progress=bar.update
        )
    wrong: list[IEAError] = []
    if verify:
        _, wrong = source.verify(root, report.present)
    problems = [*known.problems, *report.failures.values(), *wrong]
    return _told(root, report, problems, as_json=as_json)


def photographs_of_list(
    file: Annotated[
        Path, typer.Argument(metavar="LIST", help="A CSV: path, url, sha256, bytes, licence, author.")
    ],
    root: Annotated[Path, typer.Option("-o", "--out", help="The folder to fill; run again to go on.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Also check the files that are there already.")
    ] = False,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between files.")] = 1.0,
    as_json: AsJson = False,
) -> int:
    """Fetch the photographs of a list: one request at a time, resumable, each checked against its sha256.

    manifests/photographs/public.csv lists those that the shipped weights learnt from, with licences and authors.
    """
    from pipelines.download import Patience
    from pipelines.list_fetch import fetch_list, read_list, verify_list

    listed = read_list(file)
    with Progress("fetching", "files") as bar:
        report = fetch_list(listed, root, pause=pause, patience=Patience(), progress=bar.update)
    wrong = verify_list(listed, root) if verify else []
    return _told(root, report, [*report.failures.values(), *wrong], as_json=as_json)


def release(
    address: Annotated[Path, typer.Argument(metavar="ADDRESS", help="https://…, s3://… or a folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The new folder; run again to go on.")],
    as_json: AsJson = False,
) -> int:
    """Copy a whole release from a server: file by file, each compared with its checksum, release.json last."""
    from iea40k.places import address_of, name_of
    from iea40k.store.remote.copying import copy_release

    with Progress("copying", "files") as bar:
        report = copy_release(address_of(address) or f"file://{address.absolute()}", out, progress=bar.update)
    for problem in report.problems:
        messages.print(str(problem), style="red", markup=False)
    counts = {"fetched": report.fetched, "present": report.present}
    if as_json:
        problems = [str(problem) for problem in report.problems]
        typer.echo(json.dumps({"from": name_of(address), "out": str(out), **counts, "problems": problems}))
    elif report.problems:
        told = f"{out}: not written, {len(report.problems)} files are not as published; the others are kept"
        messages.print(told, style="red", markup=False)
    else:
        told = f"{out}: {report.fetched} files fetched, {report.present} were there"
        messages.print(told, style="green", markup=False)
    return FAILURES if report.problems else DONE


def _told(root: Path, report: "Report", problems: list[IEAError], *, as_json: bool) -> int:
    """Say what a fetch did, and return the exit code."""
    for problem in problems:
        messages.print(str(problem), style="yellow", markup=False)
    result = {
        "root": str(root),
        "fetched": report.fetched,
        "present": report.present,
        "failed": sorted(report.failures),
        "untried": report.untried,
        "problems": [str(problem) for problem in problems],
    }
    if as_json:
        typer.echo(json.dumps(result))
    else:
        messages.print(
            f"{root}: {len(report.fetched)} files fetched, {len(report.present)} were there, "
            f"{len(report.failures)} failed, {report.untried} untried",
            style="yellow" if problems else "green",
            markup=False,
        )
    return FAILURES if problems or report.untried else DONE
