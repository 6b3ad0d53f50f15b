"""`iea40k doctor`: what is installed and what works, what is missing, and the line that mends it."""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from iea40k.errors import BadInputError
from pipelines.cli.defaults import FILE, read_defaults
from pipelines.cli.options import AsJson
from pipelines.cli.queue_group import LedgerOption, ledger_of
from pipelines.cli.terminal import DONE, FAILURES

_SIGNS = {"good": "ok", "note": "note", "missing": "not installed", "bad": "BROKEN"}


def doctor(
    context: typer.Context,
    store: Annotated[
        Path | None,
        typer.Argument(help="A store, or the folder that one will lie in: its disk and ledger are tried."),
    ] = None,
    ledger: LedgerOption = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--for", help="curator, annotator, trainer, postgresql: must be complete. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Look at this installation and machine: exit code 1 where something is broken, or lacks for --for."""
    from iea40k.extras import MODULES
    from iea40k.terminal import say
    from pipelines.machine import Finding, examine
    from pipelines.machine import as_json as told

    for name in role or ():
        if name not in MODULES:
            raise BadInputError("no such role", expected=", ".join(MODULES), got=name)
    folder = store or Path()
    place = ledger_of(context, folder, ledger) if store is not None or ledger is not None else None
    findings = []

    def failed(finding: Finding) -> bool:
        wanted = finding.group == "extras" and finding.name in (role or ())
        return finding.state == "bad" or (finding.state == "missing" and wanted)

    file = read_defaults().file
    configuration = Finding("installation", FILE, "good", "none" if file is None else str(file))
    for finding in chain([configuration], examine(folder, place)):
        findings.append(finding)
        if not as_json:
            say(f"{finding.group:13} {finding.name:12} {_SIGNS[finding.state]:14} {finding.found}")
            if finding.remedy:
                say(f"{'':27}-> {finding.remedy}")
    if as_json:
        say(told(findings))
    return FAILURES if any(map(failed, findings)) else DONE
