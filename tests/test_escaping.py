"""Names and texts of others reach a terminal, a page, a table or a card as text and as nothing else."""

import csv
import io
import re
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from iea40k.escaping import csv_text, html_text, markdown_text, visible
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.terminal import Terminal, say
from pipelines.cli.program import run
from tests.builders import built_scene

EVIL = (
    "a\x1b]0;owned\x07\x1b[2J\u202egnp.\x9b31m<img src=x onerror=alert(1)>[x](http://x)`b`|c\r\n& \ud800é字"
)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

MARKUP = re.compile(r"[<>\n]|(?<!\\)[\[\]`|]")


def test_what_cannot_be_seen_is_written_out() -> None:
    assert visible("tab\tline\nÅ字ع👩‍👧") == "tab\tline\nÅ字ع👩‍👧"
    assert visible("\x1b[2J\u202e\r\x00\x9b\ud800") == r"\x1b[2J\u202e\x0d\x00\x9b\ud800"
    assert not UNSEEN.search(visible(EVIL))
    for escape in (html_text, markdown_text, csv_text):
        assert not UNSEEN.search(escape(EVIL)), escape
    assert "<" not in html_text(EVIL)
    assert not MARKUP.search(markdown_text(EVIL))
    assert csv_text("=1+1") == "'=1+1"


@pytest.mark.parametrize("colour", [False, True])
def test_a_terminal_obeys_no_text(colour: bool) -> None:
    stream = io.StringIO()
    console = Terminal(
        file=stream, force_terminal=colour, width=200, color_system="standard" if colour else None
    )
    table = Table("x")
    table.add_row(Text(EVIL))
    console.print(EVIL, style="red")
    console.print(table)
    console.print("[bold]not bold[/bold]")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())  # the program's own colours
    assert not UNSEEN.search(plain)
    assert r"\x1b[2J" in plain
    assert "[bold]not bold[/bold]" in plain
    assert ("\x1b[31m" in stream.getvalue()) == colour
    out = io.StringIO()
    say(EVIL, stream=out)
    assert not UNSEEN.search(out.getvalue())


def test_paths_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "x\x1b]0;t\x07\u202e"
    place.mkdir()
    for command in (
        ["verify", str(place)],
        ["build", str(place / "m.csv"), str(place)],
        ["status", str(place)],
    ):
        assert run(command) == 2
        out, err = capsys.readouterr()
        assert not UNSEEN.search(out + err), command
        assert r"\x1b]0;t\x07\u202e" in re.sub(r"\s", "", err), command
    Store.create(place / "store").write_scene(built_scene("a", height=16, width=16))
    for command in (["status", str(place / "store")], ["verify", str(place / "store")]):
        assert run(command) == 0
        out, err = capsys.readouterr()
        assert not UNSEEN.search(out + err), command


def test_a_releases_card_and_table(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    evil = EVIL.replace("\ud800", "")
    scene = built_scene("a", height=16, width=16, licence=evil, source=f"={evil}", device=evil)
    store.write_scene(scene)
    out = write_release(store, tmp_path / "release", ReleaseOptions("1.0.0", name=evil)).path
    _, head, card = (out / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert not UNSEEN.search(head + card)
    assert "<img" not in card
    assert not re.search(r"(?<!\\)\]\(http://x", card)
    with (out / "LICENCES.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert not UNSEEN.search("".join(map("".join, rows)))
    assert "<img src=x" not in Release.open(out)._repr_html_()
