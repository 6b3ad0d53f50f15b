"""Pages of the site that are not files of docs/: those of the repository's other folders, and those that are made.

Made are the list of commands from their `--help`, the pages of the Python API from docstrings, and the list of
decisions. Links between files of the repository are turned into links between pages.
"""

import importlib
import os
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Modules beside this file, which MkDocs loads by its path.
sys.path.insert(0, str(Path(__file__).parent))
from notebooks import page_of
from plots import plotted

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "manifests/README.md",
    "examples/README.md",
)
STATIC = ("LICENSE", "CITATION.cff")
FOLDERS = {"examples": "examples/README.md", "docs/decisions": "decisions/README.md", "docs": "index.md"}
API: Mapping[str, tuple[str, ...]] = {
    "Releases, stores and pictures: `import iea40k`": ("iea40k",),
    "Residuals and pictures": (
        "iea40k.arrays", "iea40k.residuals", "iea40k.zones", "iea40k.outliers", "iea40k.metrics", "iea40k.tone",
        "iea40k.simulation", "iea40k.uncertainty", "iea40k.render", "iea40k.scoring",
    ),
    "Photographs and brackets": (
        "iea40k.develop", "iea40k.colour.transfer", "iea40k.capture", "iea40k.brackets.evs", "iea40k.brackets.grouping",
        "iea40k.alignment", "iea40k.fusion", "iea40k.experts",
    ),
    "Scenes, stores and releases": (
        "iea40k.scene", "iea40k.manifest", "iea40k.recipe", "iea40k.store.layout", "iea40k.store.scenes",
        "iea40k.store.release.reading", "iea40k.store.release.writing", "iea40k.store.release.diff",
        "iea40k.store.verify", "iea40k.store.ledger",
    ),
    "Networks": (
        "iea40k.model.data.dataset", "iea40k.model.data.plain", "iea40k.model.losses", "iea40k.model.predict",
        "iea40k.model.evaluate", "iea40k.model.weights", "iea40k.model.training.loop",
    ),
    "Errors": ("iea40k.errors",),
}  # fmt: skip
_LINK = re.compile(r"(\]\()([^)#\s]+)([^)\s]*\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/ and the made ones."""
    for name in OUTSIDE:
        files.append(_made(config, _place(name), (ROOT / name).read_text(encoding="utf-8")))
    for name in STATIC:
        files.append(_made(config, name, (ROOT / name).read_text(encoding="utf-8")))
    for script in sorted((ROOT / "examples").glob("*.py")):
        files.append(
            _made(
                config,
                f"examples/{script.stem}.md",
                f"# {script.name}\n\n```python\n{script.read_text()}```\n",
            )
        )
    worker = (Path(__file__).parent / "worker_from_disk.js").read_text(encoding="utf-8")
    files.append(_made(config, "assets/iframe-worker.js", worker))
    files.append(_made(config, "commands.md", _commands()))
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        text, pictures = page_of(notebook)
        files.append(_made(config, f"notebooks/{notebook.stem}.md", text))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    for file in sorted((ROOT / "benchmarks" / "results").glob("*.json")):
        files.append(_made(config, f"images/benchmarks/{file.stem}.svg", plotted(file)))
    files.append(_made(config, "decisions/README.md", _decisions()))
    for name, text in _api().items():
        files.append(_made(config, name, text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links at pages where the repository has files."""
    here = page.file.src_uri
    if here == "benchmarks.md":
        markdown = _with_plots(markdown)
    origin = next((name for name in OUTSIDE if _place(name) == here), f"docs/{here}")

    def turned(found: re.Match[str]) -> str:
        target = found[2]
        if ":" in target or here.startswith(("commands.", "api/", "decisions/README")):
            return found[0]
        place = _place(posixpath.normpath(posixpath.join(posixpath.dirname(origin), target)))
        return found[1] + posixpath.relpath(place, posixpath.dirname(here) or ".") + found[3]

    return _LINK.sub(turned, markdown)


def _with_plots(markdown: str) -> str:
    """Put each benchmark's plot between its heading and its table."""
    return re.sub(
        r"^`(\w+)`, .*$",
        r"\g<0>\n\n![\1: the figures of the table below](images/benchmarks/\1.svg)",
        markdown,
        flags=re.MULTILINE,
    )


def _made(config: MkDocsConfig, name: str, text: str) -> File:
    return File.generated(config, name, content=text)


def _place(name: str) -> str:
    """Return the page of a file of the repository, both with `/`."""
    if name in FOLDERS:
        return FOLDERS[name]
    if name == "README.md":
        return "index.md"
    if name.endswith(".ipynb"):
        name = name.removesuffix(".ipynb") + ".md"
    if name.startswith("examples/") and name.endswith(".py"):
        return name.removesuffix(".py") + ".md"
    return name.removeprefix("docs/")


def _decisions() -> str:
    titles = []
    for file in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        title = file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        titles.append(f"- [{title}]({file.name})")
    return "# Decisions\n\nWhy things are as they are, and what was weighed.\n\n" + "\n".join(titles) + "\n"


def _api() -> dict[str, str]:
    pages = {}
    listed = []
    for title, modules in API.items():
        name = f"{modules[0].removeprefix('iea40k.') if len(modules) > 1 else modules[0]}.md"
        listed.append(f"- [{title.replace('`', '')}]({name})")
        parts = [f"::: {module}\n{_members(module)}" for module in modules]
        pages[f"api/{name}"] = f"# {title}\n\n" + "\n\n".join(parts) + "\n"
    pages["api/README.md"] = "# The Python API\n\nMade from the docstrings.\n\n" + "\n".join(listed) + "\n"
    return pages


def _members(module: str) -> str:
    """Return the option that shows a package's public names where they live, as they are met from the package."""
    names = getattr(importlib.import_module(module), "__all__", ())
    shown = [name for name in names if name != "__version__"]
    return f"    options:\n      members: [{', '.join(shown)}]" if shown else ""


def _commands() -> str:
    from pipelines.cli.program import program

    parts = ["# Commands\n\nWhat `iea40k COMMAND --help` says."]
    os.environ["COLUMNS"] = "100"
    for words, command in _walk(program(), []):
        with command.make_context(" ".join(["iea40k", *words]), [], resilient_parsing=True) as context:
            parts.append(f"## iea40k {' '.join(words)}\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(parts) + "\n"


def _walk(group: Any, words: list[str]) -> Iterator[tuple[list[str], Any]]:
    for name in group.commands:
        found = group.load(name)
        if hasattr(found, "load"):
            yield from _walk(found, [*words, name])
        else:
            yield [*words, name], found
