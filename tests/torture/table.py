"""The table of a run, in the page docs/reliability.md between its two marks."""

from collections.abc import Sequence
from pathlib import Path

from iea40k.files import write_atomic
from tests.torture.harness import Outcome

BEGIN, END = "<!-- torture begins -->", "<!-- torture ends -->"


def as_table(outcomes: Sequence[Outcome], facts: str) -> str:
    """Return the table in Markdown, with a line of facts about the run above it."""
    lines = [facts, "", "| part | what is done to it | tried | broken | seed |", "|---|---|---|---|---|"]
    for outcome in outcomes:
        tried = ", ".join(f"{count:,} {what}" for what, count in outcome.report.tried.items())
        shown = f"not here: {outcome.skipped}" if outcome.skipped else tried or "nothing"
        broken = "-" if outcome.skipped else str(outcome.report.failures)
        cells = (outcome.trial.part, outcome.trial.what, shown, broken, str(outcome.seed))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def write_table(page: Path, table: str) -> None:
    """Put the table into the page. Raises `ValueError` where the page lacks its marks."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} lacks {BEGIN} ... {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    write_atomic(page, f"{before}{BEGIN}\n{table}\n{END}{after}")
