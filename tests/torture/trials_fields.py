"""Hostile text in every field that takes text, and all commands that show it: nobody obeys it, and nothing breaks."""

import contextlib
import csv
import html.parser
import io
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml

from iea40k.errors import IEAError
from iea40k.escaping import begins_formula
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.torture.harness import Report, Task, trial

# ruff: noqa: E501

Text = Callable[[], str]
MARK = "pwned"
_PRODUCT = "31337*31357"
PIECES = (
    "\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "\x9b2J", "\u202egnp.exe", "\u2066\u200f", "\r\n", "\n\n# head\n", "\t", "\x00",
    "\u2028", "\ufeff", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>",
    "</style></title></textarea><iframe src=//x>", "[x](javascript:alert(1))", "![x](http://x/y.png)", "| a | b |",
    "```", "---\nlicense: mit\n---", "- a\n- b", "!!python/object/apply:os.system ['touch " + MARK + "']", "&a *a",
    "{{" + _PRODUCT + "}}", "{%for x in [1]%}" + MARK + "{%endfor%}", "${" + _PRODUCT + "}", "$(touch " + MARK + ")",
    "`touch " + MARK + "`", ";touch " + MARK, "|touch " + MARK, "../../" + MARK, "/etc/passwd", "..\\..\\" + MARK, "%s%n%x",
    "{0.__class__}", "'; DROP TABLE tasks; --", "' OR '1'='1", '=HYPERLINK("http://x")', "+1", "@SUM(1)", "-1+1", "\uff1d1+1",
    "[bold red]x[/]", "[/]", "nan", "null", "true", "1e400", "é字👩‍👧", "x" * 3000, " ", "", '"', "'", "\\", "]]>", "<!--", "\ud800",
)  # fmt: skip
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LABELS = ("licence", "device", "source", "generator", "super_class", "scene_class", "light", "x_note")
_OPTIONS = ("--name", "--creator", "--citation", "--url", "--doi", "--description", "--label-licence")


@trial(
    "fields",
    "escapes, HTML, Markdown, formulas, templates, SQL and paths in every field, through all that show it",
    weight=2,
)
def injected(task: Task) -> None:
    """Terminals see no control characters, pages no markup, spreadsheets no formula; names lead nowhere."""
    plain = _shown(task, task.folder / "plain", lambda: "plain", Report())
    turn = 0
    while not turn or task.clock:
        turn += 1
        folder = task.folder / f"turn {turn}"
        seed = task.rng.randrange(1 << 40)
        rng = random.Random(seed)
        found = _shown(task, folder, lambda rng=rng: hostile(rng), task.report)  # type: ignore[misc]
        for name, shape in found.items():
            task.report.expect(
                shape == plain[name],
                f"seed {seed}: {name} has other markup: {shape} not {plain[name]}"[:500],
                "pages compared",
            )
        left = [place for place in (*task.folder.rglob("*"), *Path.cwd().iterdir()) if MARK in place.name]
        task.report.expect(
            not left, f"seed {seed}: {left} was made", "looks for what injected text would make"
        )
        shutil.rmtree(folder)


def hostile(rng: random.Random) -> str:
    """Return a hostile text of one to three pieces."""
    return "".join(rng.choice(PIECES) for _ in range(rng.choice((1, 1, 2, 3))))


def _shown(task: Task, folder: Path, text: Text, report: Report) -> dict[str, object]:
    """Put texts into every field, run the commands, and return the markup of each page that came of it."""
    store = Store.create(folder / "store")
    for number in range(2):
        labels = {name: text().replace("\ud800", "") for name in _LABELS}
        labels["licence"] = labels["licence"].strip() or "x"
        store.write_scene(built_scene(f"s{number}", height=16, width=16, evs=(-1.0, 0.0), **labels))
    with Ledger.open(store.path, create=True) as ledger:
        _fill(ledger, text)
    where, release = str(store.path), str(folder / "release")
    options = [part for option in _OPTIONS for part in (option, text().replace("\x00", ""))]
    _run(report, ["release", where, release, "--version", "1.0.0", "--as-built", *options])
    if not Path(release, "release.json").exists():  # a field was refused: the rest is tried without
        _run(report, ["release", where, release, "--version", "1.0.0", "--as-built"], must=True)
    commands = [
        ["verify", release], ["verify", where], ["status", where], ["diff", release, release],
        ["queue", where, "list", "--notes"], ["queue", where, "people"], ["queue", where, "verify"],
        ["report", where, "-o", str(folder / "store.html")], ["report", release, "-o", str(folder / "release.html")],
        *(["export", release, str(folder / form), "--format", form] for form in ("official", "huggingface", "webdataset")),
    ]  # fmt: skip
    for command in commands:
        _run(report, command, must=True)
    manifest = folder / text().replace("\x00", "").replace("/", "")[:60].replace(MARK, "x")
    for place in (manifest, manifest.with_name("m.csv")):
        with contextlib.suppress(OSError, ValueError, UnicodeError):
            rows = [
                ["scene_id", "kind", "exposures", *_LABELS],
                [text(), text(), text(), *(text() for _ in _LABELS)],
            ]
            with place.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(rows)
            _run(report, ["manifest", "check", str(place)])
    return _pages(report, folder)


def _fill(ledger: Ledger, text: Text) -> None:
    with contextlib.suppress(IEAError):
        add_tasks(ledger, [TaskRequest("s0", "N1", 1, text(), slots=3)], text())
    add_tasks(ledger, [TaskRequest("s0", "P0", 1, slots=3), TaskRequest("s1", "P0", 1, slots=3)], "curator")
    queue = Queue(ledger)
    for _ in range(3):
        with contextlib.suppress(IEAError):
            name = text()
            lease = queue.lease(name)
            if lease is not None:
                queue.flag(lease, text())
                queue.submit(lease)
                queue.accept(MapKey(lease.map_key.scene_id, lease.map_key.level, name), text(), text())


def _run(report: Report, command: list[str], *, must: bool = False) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            code: object = run(command)
        except Exception as error:
            code = f"{type(error).__name__}: {error}"
    said = out.getvalue()
    good = (0, 1) if must else (0, 1, 2)
    report.expect(
        code in good and "Traceback" not in said, f"{command[:2]}: {code}: {said[-300:]}", "commands run"
    )
    found = _UNSEEN.search(said)
    report.expect(
        not found, f"{command[:2]} says {found and found[0]!r}", "outputs without control characters"
    )


class _Markup(html.parser.HTMLParser):
    """Counts tags, and attributes that run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "img", "iframe", "svg", "a", "style", "link", "object"):
            self.found[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or ""):
                self.found[name] += 1


def _pages(report: Report, folder: Path) -> dict[str, object]:
    release = folder / "release"
    pages = [
        release / "README.md",
        release / "LICENCES.csv",
        *folder.glob("*.html"),
        folder / "huggingface" / "README.md",
    ]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        found = _UNSEEN.search(text)
        report.expect(
            not found, f"{page.name} holds {found and found[0]!r}", "pages without control characters"
        )
        report.expect(
            str(31337 * 31357) not in text,
            f"{page.name} computed a template",
            "pages without computed templates",
        )
    with (release / "LICENCES.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    report.expect(
        len(rows) == 5 and not any(begins_formula(cell) for row in rows for cell in row),
        f"LICENCES.csv: {rows}"[:300],
        "tables without formulas",
    )
    shapes: dict[str, object] = {}
    for page in folder.glob("*.html"):
        parser = _Markup()
        parser.feed(page.read_text(encoding="utf-8"))
        shapes[page.name] = dict(parser.found)
    for card in (release / "README.md", folder / "huggingface" / "README.md"):
        _, head, body = card.read_text(encoding="utf-8").split("---\n", 2)
        parser = _Markup()
        parser.feed(body)
        shapes[f"{card.parent.name} card"] = (sorted(yaml.safe_load(head)), dict(parser.found))
    json.loads((release / "croissant.json").read_text(encoding="utf-8"))
    citation = yaml.safe_load((release / "CITATION.cff").read_text(encoding="utf-8"))
    report.expect(isinstance(citation, dict), "CITATION.cff is no mapping", "citations read")
    return shapes
