"""iea40k.toml, --quiet, --verbose and --log: through the program, as people use them."""

import json
from pathlib import Path

import pytest

from iea40k.errors import BadInputError, ConfigError
from iea40k.store.layout import Store
from pipelines.cli.defaults import read_defaults
from pipelines.cli.log_file import without_secrets
from pipelines.cli.loudness import Loudness, taken_out
from pipelines.cli.program import run
from tests.builders import built_scene


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store, and one below it in which one works."""
    store = Store.create(tmp_path / "data" / "store")
    store.write_scene(built_scene("s"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_the_nearest_file_gives_store_and_options(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "iea40k.toml").write_text(
        'store = "data/store"\n[status]\njson = true\n[release]\nname = "Mine"\nseed = 5\n'
    )
    assert run(["status"]) == 0
    assert json.loads(capsys.readouterr().out)["scenes"] == 1
    assert run(["release", str(home / "data/store"), "out", "--version", "1.0.0", "--json"]) == 0
    head = json.loads(capsys.readouterr().out)
    assert (head["name"], head["seed"]) == ("Mine", 5)
    typed = ["release", str(home / "data/store"), "out2", "--version", "1.0.0", "--json", "--seed", "6"]
    assert run(typed) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 6  # what is typed wins


def test_lists_and_groups(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "iea40k.toml").write_text(
        'store = "data/store"\n[release]\ncreator = ["Curie, Marie", "Lab"]\n[queue.list]\njson = true\n'
    )
    assert run(["queue", str(home / "data/store"), "add"]) == 0
    capsys.readouterr()
    assert run(["queue", str(home / "data/store"), "list"]) == 0
    json.loads(capsys.readouterr().out)
    assert run(["release", str(home / "data/store"), "out", "--version", "1.0.0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["about"]["creators"] == ["Curie, Marie", "Lab"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[status]\ncolour = 1\n", "no such option"),
        ("[paint]\nx = 1\n", "no such command"),
        ("workers = 2\n", "no such default"),
        ("store = 3\n", "store is not a text"),
        ("store = \n", "not TOML"),
    ],
)
def test_what_it_cannot_mean_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (home / "work" / "iea40k.toml").write_text(text)
    assert run(["status", str(home / "data/store")]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "iea40k.toml" in told
    assert run(["status", "--help"]) in (0, 2)


def test_a_variable_names_another_file_or_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "iea40k.toml").write_text('annotator = "Ada"\n')
    assert read_defaults().common == {"annotator": "Ada"}
    monkeypatch.setenv("IEA40K_CONFIG", "")
    assert read_defaults().file is None
    monkeypatch.setenv("IEA40K_CONFIG", str(home / "none.toml"))
    with pytest.raises(ConfigError, match="no such configuration"):
        read_defaults()


def test_quiet_leaves_results_and_errors(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(home / "data/store")
    assert run(["release", store, "loud", "--version", "1.0.0"]) == 0
    assert "root digest" in capsys.readouterr().err
    assert run(["release", store, "out", "--version", "1.0.0", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["-q", "release", store, "out", "--version", "1.0.0"]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert run(["release", store, "json", "--version", "1.0.0", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "1.0.0"


def test_a_log_has_what_was_said_and_where_it_failed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(home / "data/store")
    assert run(["release", store, "out", "--version", "1.0.0", "--quiet", "--log", "logs/run.txt"]) == 0
    assert run(["--log=logs/run.txt", "release", store, "out", "--version", "1.0.0"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    lines = Path("logs/run.txt").read_text().splitlines()
    assert all(line[:2] == "20" and line[24] == " " for line in lines)
    text = "\n".join(lines)
    assert "INFO    out: exposure dataset 1.0.0" in text
    assert "exit code 0" in text
    assert "exit code 2" in text
    assert "ERROR   a published release is never overwritten" in text
    assert "DEBUG   Traceback" in text
    assert run(["status", store, "--log", str(home)]) == 2  # a folder
    assert run(["status", store, "--log"]) == 2


def test_verbose_shows_where_an_error_comes_from(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(home / "nowhere"), "-v"]) == 2  # the letter is the command's, which has none
    capsys.readouterr()
    assert run(["status", str(home / "nowhere"), "--verbose"]) != 0
    assert "Traceback" in capsys.readouterr().err
    assert run(["status", str(home / "nowhere")]) != 0
    assert "Traceback" not in capsys.readouterr().err
    assert run(["--quiet", "--verbose", "status"]) == 2


def test_what_follows_a_double_dash_is_left_alone() -> None:
    assert taken_out(["score", "--", "--quiet"]) == (Loudness(), ["score", "--", "--quiet"])
    assert taken_out(["-q", "x", "-q"]) == (Loudness(quiet=True), ["x", "-q"])
    with pytest.raises(BadInputError):
        taken_out(["--log"])


def test_no_password_reaches_a_log(home: Path) -> None:
    address = "postgresql://ada:geheim@127.0.0.1:9/none?password=geheim"
    assert run(["queue", str(home / "data/store"), "--ledger", address, "list", "--log", "log.txt"]) != 0
    text = Path("log.txt").read_text()
    assert "geheim" not in text
    assert "ada:***@" in text
    assert without_secrets("a:b") == "a:b"
