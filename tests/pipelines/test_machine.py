"""`iea40k doctor` on this machine, and on one where things are broken."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from pipelines import machine
from pipelines.cli.program import run


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the processes that load Qt and torch."""
    monkeypatch.setattr(machine, "_screen", lambda: iter(()))
    monkeypatch.setattr(machine, "_gpu", lambda: iter(()))


def found(tmp_path: Path, ledger: str | None = None) -> dict[tuple[str, str], machine.Finding]:
    return {(f.group, f.name): f for f in machine.examine(tmp_path, ledger)}


def test_it_looks_at_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.create(tmp_path / "store")
    with Ledger.open(store.path, create=True):
        pass
    assert run(["doctor", str(store.path), "--for", "curator", "--json"]) == 0
    findings = {(f["group"], f["name"]): f for f in json.loads(capsys.readouterr().out)}
    assert findings["extras", "trainer"]["state"] == "good"
    assert "PySide6" in findings["window", "Qt"]["found"]
    assert findings["trainer", "torch"]["state"] == "good"
    assert findings["disk", "file system"]["found"].startswith("local")
    assert "MiB a second" in findings["disk", "writing"]["found"]
    assert findings["ledger", "database"]["state"] == "good"
    assert not list(tmp_path.rglob(".iea40k-doctor*"))


@pytest.mark.usefixtures("quick")
def test_a_missing_extra_is_named_with_its_line_and_fails_only_who_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "find_spec", lambda name: None if name == "torch" else SimpleNamespace())
    assert run(["doctor", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "without torch" in text
    assert "pip install" in text
    assert run(["doctor", str(tmp_path), "--for", "trainer"]) == 1
    assert run(["doctor", str(tmp_path), "--for", "annotator"]) == 0
    assert run(["doctor", str(tmp_path), "--for", "painter"]) == 2


@pytest.mark.usefixtures("quick")
def test_versions_that_do_not_fit_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [
        "numpy<1",
        "no-such-package>=2",
        'rawpy>=99; extra == "curator"',
        'nowhere>=1; extra == "curator"',
    ]
    monkeypatch.setattr(machine, "distribution", lambda _: SimpleNamespace(requires=wanted))
    finding = found(tmp_path)["installation", "versions"]
    assert finding.state == "bad"
    for name in ("numpy<1 (", "no-such-package>=2 (not installed)", "rawpy>=99 ("):
        assert name in finding.found
    assert "nowhere" not in finding.found  # an extra that is not installed is told as such
    assert "'numpy<1'" in finding.remedy


@pytest.mark.usefixtures("quick")
@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody can write")
def test_a_folder_that_cannot_be_written_and_a_ledger_that_does_not_answer(tmp_path: Path) -> None:
    assert found(Path("/proc"))["disk", "writing"].state == "bad"
    finding = found(tmp_path, "postgresql://nobody@127.0.0.1:9/none")["ledger", "database"]
    assert finding.state == "bad"
    assert run(["doctor", str(tmp_path / "not" / "there" / "yet")]) == 0  # a store may be made there


def test_a_process_that_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for code, said in (("import os; os.abort()", ""), ("import no_such_module", "no_such_module")):
        monkeypatch.setattr(machine, "_QT", code)
        monkeypatch.setattr(machine, "_GPU", code)
        broken = {f.name: f for f in (*machine._screen(), *machine._gpu())}
        assert broken["Qt"].state == broken["torch"].state == "bad"
        assert said in broken["Qt"].found
        assert broken["torch"].remedy
