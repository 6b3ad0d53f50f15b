"""The program as a whole: its list of commands, what a call imports, completion, and options that mean the same."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from iea40k.store.layout import Store
from pipelines.cli import lazy
from pipelines.cli.commands import COMMANDS
from pipelines.cli.program import program, run
from tests.builders import built_scene

ROOT = Path(__file__).parents[3]
ROWS = [row for rows in COMMANDS.values() for row in rows]


def commands():
    """Every command that can be called, with the words that call it."""

    def below(group, words):
        for name in group.commands:
            found = group.load(name)
            if isinstance(found, lazy.LazyGroup):
                yield from below(found, [*words, name])
            else:
                yield " ".join([*words, name]), found

    return dict(below(program(), []))


LIGHT = {"iea40k.errors", "iea40k.stopping", "iea40k.places"}
"""What lists of commands may import of the core: modules that import nothing but the standard library."""


def loaded_by(*arguments: str) -> set[str]:
    code = "import sys; from pipelines.cli.program import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("queue", "--help")])
def test_a_list_of_commands_imports_no_command(arguments):
    modules = loaded_by(*arguments)
    assert {m for m in modules if m.startswith("iea40k.")} <= LIGHT
    assert not modules & {"numpy", "pandas", "rich", "annotator", "sqlalchemy", "pipelines.cli.queue"}


def test_a_command_imports_its_own_module_only():
    modules = loaded_by("manifest", "check", "--help")
    assert "pipelines.cli.manifest" in modules
    assert not {m for m in modules if m.startswith("pipelines.cli.manifest_")}


def test_what_a_store_holds_is_told_without_zarr_and_without_the_ledger(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s"))
    heavy = {"zarr", "sqlalchemy", "alembic", "sklearn", "matplotlib"}
    assert not loaded_by("status", str(store.path)) & heavy


def test_work_is_offered_without_scikit_learn(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s"))
    assert not loaded_by("queue", str(store.path), "add") & {"sklearn", "scipy.stats"}


def test_commands_are_listed_by_the_way_of_work(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    headings = [line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings[1:] == list(COMMANDS)
    assert len(headings) == 9


@pytest.mark.parametrize(("called", "line", "target"), ROWS, ids=[row[0] for row in ROWS])
def test_every_row_leads_to_a_command(called, line, target):
    assert len(line) < 70
    assert line[0] == line[0].lower() or line.startswith(("MIT", "Postgre"))
    found = program()
    for word in called.split():
        found = found.load(word)
    assert found.help


def test_out_and_json_mean_the_same_in_every_command():
    for called, command in commands().items():
        for option in command.params:
            names = set(option.opts)
            if "--json" in names:
                assert option.is_flag, called
                assert option.help == "Print the result as JSON on stdout.", called
            if names & {"-o", "--out"}:
                assert {"-o", "--out"} <= names, called
            assert "--output" not in names, called


def test_a_wrong_word_shows_the_usage_and_what_was_meant(capsys):
    assert run(["manifest", "braquets"]) == 2
    error = capsys.readouterr().err
    assert "Usage: iea40k manifest" in error
    assert "brackets" in error


def test_a_missing_argument_shows_the_usage(capsys):
    assert run(["build", "only-one"]) == 2
    error = capsys.readouterr().err
    assert "Usage: iea40k build" in error
    assert "store" in error
    assert "iea40k build --help" in error


def completed(words: str) -> list[str]:
    environment = {**os.environ, "_IEA40K_COMPLETE": "complete_bash", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli"], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout.split()


def test_a_shell_completes_commands_groups_and_options():
    assert completed("iea40k bu") == ["build"]
    assert completed("iea40k manifest br") == ["brackets"]
    assert "--only" in completed("iea40k build --o")


def test_a_distribution_adds_a_command_that_is_imported_when_called(monkeypatch, tmp_path, capsys):
    (tmp_path / "stranger.py").write_text(
        "def register(app):\n    app.command('greet')(greet)\n\n\ndef greet() -> int:\n    '''Greet.'''\n    return 7\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("greet", "stranger:register", lazy.EXTENSIONS)
    monkeypatch.setattr(lazy, "entry_points", lambda **_: [point])
    assert run(["--help"]) == 0
    assert "greet" in capsys.readouterr().out
    assert "stranger" not in sys.modules
    assert run(["greet"]) == 7


@pytest.mark.parametrize("module", ["iea40k", "pipelines.cli"])
def test_the_program_runs_as_a_module(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("iea40k ")


def test_a_foreign_package_in_the_working_folder_is_said(tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "__init__.py").write_text("raise RuntimeError('not ours')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "iea40k", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "hides our 'pipelines'" in done.stderr
    assert "Traceback" not in done.stderr
