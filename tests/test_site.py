"""The site of the pages: it builds without a warning, is complete, and works from a disk."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

import iea40k
from pipelines.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]
pytest.importorskip("mkdocs", reason="the site needs mkdocs-material")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; a dead link or anchor, or a name without a page, ends the build."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    config = ROOT / "docs" / "site" / "mkdocs.yml"
    done = subprocess.run(
        [*command, "-f", str(config), "-d", str(out)], cwd=out, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_public_name_has_its_docstring_on_a_page(site):
    page = (site / "api" / "iea40k.html").read_text()
    for name in set(iea40k.__all__) - {"__version__"}:
        assert f'id="iea40k.{name}"' in page
    assert page.index('id="iea40k.open_release"') < page.index('id="iea40k.Store"')


def test_every_command_says_on_its_page_what_its_help_says(site):
    page = (site / "commands.html").read_text()
    named = [words for rows in COMMANDS.values() for words, _line, _home in rows]
    for words in named:
        group = any(other.startswith(f"{words} ") for other in named)
        assert group or f'id="iea40k-{words.replace(" ", "-")}"' in page, words
    assert "--look-only" in page


def test_pages_of_other_folders_are_there_and_decisions_are_listed(site):
    for name in ("index", "SECURITY", "manifests/index", "examples/train_an_estimator"):
        assert (site / f"{name}.html").is_file()
    listed = (site / "decisions" / "index.html").read_text()
    assert all(f"{file.stem}.html" in listed for file in (ROOT / "docs" / "decisions").glob("*.md"))


def test_each_benchmark_has_its_plot_with_the_aims(site):
    page = (site / "benchmarks.html").read_text()
    results = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    for file in results:
        assert f'src="images/benchmarks/{file.stem}.svg"' in page
        assert (site / "images" / "benchmarks" / f"{file.stem}.svg").read_text().startswith("<?xml")
    assert len(results) > 20


def test_every_link_of_every_built_page_leads_to_a_page_and_to_a_place_on_it(site):
    """Made pages and raw HTML too, which the build itself does not check."""
    pages = {page: page.read_text() for page in site.rglob("*.html") if page.name != "404.html"}
    places = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    dead = []
    for page, text in pages.items():
        for link in set(re.findall(r'<(?:a|img|script|link)\b[^>]*?(?:href|src)="([^"]+)"', text)):
            path, _, place = html.unescape(link).partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            target = (page.parent / unquote(path)).resolve() if path else page
            if not target.exists() or (place and target in places and unquote(place) not in places[target]):
                dead.append(f"{page.relative_to(site)}: {link}")
    assert dead == []


def test_reading_fetches_nothing(site):
    for page in site.rglob("*.html"):
        fetched = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)', page.read_text())
        fetched += re.findall(r'<link[^>]+stylesheet[^>]+href="(https?:[^"]+)', page.read_text())
        assert not fetched, page


def test_the_search_works_from_a_disk(site):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    address = f"{(site / 'words.html').as_uri()}?q=underexposed"
    done = subprocess.run([browser, *options, address], capture_output=True, text=True, check=True)
    assert re.search(r'md-search-result__meta">[1-9]\d* matching document', done.stdout)
