"""The pages people read: their links lead somewhere, and the commands they name exist."""

import re
from pathlib import Path

import pytest

from pipelines.cli.program import program

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "manifests").rglob("*.md")])


def names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_between_pages_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [t for t in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in t]
    missing = [t for t in targets if not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_command_that_a_page_names_exists(page):
    group = program()
    known = {name: set(getattr(group.load(name), "commands", {})) for name in group.commands}
    for command, second in re.findall(r"iea40k ([a-z]+)(?: ([a-z]+))?", page.read_text(encoding="utf-8")):
        if command in ("core", "package", "import"):
            continue
        assert command in known, f"iea40k {command}"
        if known[command] and second:
            assert second in known[command] or second.isupper(), f"iea40k {command} {second}"
