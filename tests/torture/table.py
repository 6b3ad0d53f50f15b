"""The table of the runs, in the page docs/reliability.md between its two marks.

A run writes the rows of the trials that it ran. Others stay as an earlier run on such a system wrote them, so that what
takes hours need not be run again with what takes minutes; each row says which run it is of.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from iea40k.files import write_atomic
from tests.torture.harness import Outcome, every_trial

BEGIN, END = "<!-- torture begins -->", "<!-- torture ends -->"
_HEAD = "| part | what is done to it | tried | broken | `--seconds`, `--seed`, load of the machine |"
_RULE = "|---|---|---|---|---|"


def as_table(outcomes: Sequence[Outcome], system: str, seconds: float) -> str:
    """Return the table in Markdown, with a line about the system above it."""
    return "\n".join([_facts(system), "", _HEAD, _RULE, *_rows(outcomes, seconds).values()])


def write_table(page: Path, outcomes: Sequence[Outcome], system: str, seconds: float) -> None:
    """Put the rows of a run into the page. Raises `ValueError` where the page lacks its marks."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks {BEGIN} ... {END}")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    new = _rows(outcomes, seconds)
    kept = _kept(old) if _facts(system) in old else {}
    done = {_beginning(outcome): bool(outcome.skipped) for outcome in outcomes}
    rows = {beginning: row for beginning, row in kept.items() if done.get(beginning, True)}
    rows = {**new, **rows}
    order = [_cells(trial.part, trial.what) for trial in every_trial()]
    known = [rows[beginning] for beginning in order if beginning in rows]
    known += [row for beginning, row in rows.items() if beginning not in order and beginning in new]
    table = "\n".join([_facts(system), "", _HEAD, _RULE, *known])
    write_atomic(page, f"{before}{BEGIN}\n{table}\n{END}{after}")


def _facts(system: str) -> str:
    return f"`python -m tests.torture` on {system}:"


def _rows(outcomes: Sequence[Outcome], seconds: float) -> dict[str, str]:
    """Return the row of each trial by the cells with which it begins."""
    load = f"{os.getloadavg()[1]:.0f}" if hasattr(os, "getloadavg") else "?"
    found = {}
    for outcome in outcomes:
        shown = (
            f"not here: {outcome.skipped}"
            if outcome.skipped
            else ", ".join(outcome.report.words()) or "nothing"
        )
        broken = "-" if outcome.skipped else str(outcome.report.failures)
        run = f"{seconds:.0f}, {outcome.seed}, {load}"
        found[_beginning(outcome)] = _beginning(outcome) + _cells(shown, broken, run)[1:]
    return found


def _kept(table: str) -> dict[str, str]:
    """Return the rows of an earlier table, those that say more than that a trial was left out."""
    rows = [line for line in table.splitlines() if line.startswith("| ") and line != _HEAD]
    found = {
        "|".join(row.replace("\\|", "\0").split("|")[:3]).replace("\0", "\\|") + "|": row for row in rows
    }
    return {beginning: row for beginning, row in found.items() if "| not here: " not in row}


def _beginning(outcome: Outcome) -> str:
    return _cells(outcome.trial.part, outcome.trial.what)


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
