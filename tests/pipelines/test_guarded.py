import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from iea40k.isolation import Limits
from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.config import BuildConfig
from pipelines.synthetic import PHOTOGRAPHS, make_project

CONFIG = BuildConfig(short_side=96)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    chosen = [p for p in PHOTOGRAPHS if p.name in ("coffee", "chelsea")]
    return make_project(tmp_path_factory.mktemp("project"), chosen, scale=0.6)


def children() -> list[int]:
    text = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children")
    return [int(pid) for pid in text.read_text().split()]


def kill_once(tmp: Path) -> None:
    """End the process that builds with a crash's own signal, as soon as it reads a scene."""
    before, parent = set(children()), threading.get_native_id()

    def watch() -> None:
        file = Path(f"/proc/{os.getpid()}/task/{parent}/children")
        for _ in range(3000):
            notes = [n for n in tmp.glob("iea40k-*/reading") if n.read_text() == "chelsea"]
            new = [int(pid) for pid in file.read_text().split() if int(pid) not in before]
            if notes and new:
                os.kill(new[0], signal.SIGSEGV)
                return
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()


def test_a_scene_that_kills_its_process_is_named_and_skipped_on_the_rerun(project, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = tmp_path / "store"
    kill_once(tmp_path)
    report = build(project, store, CONFIG)
    assert {o.scene_id: o.status for o in report.outcomes} == {"chelsea": "quarantined", "coffee": "built"}
    (entry,) = Store.open(store).quarantined()
    assert (entry.scene_id, entry.error) == ("chelsea", "LimitError")
    assert "SIGSEGV" in entry.message
    again = build(project, store, CONFIG)  # nothing kills it now: it is not tried
    assert again.count("quarantined") == 1
    other = build(project, store, CONFIG, limits=Limits(seconds=599))  # other limits: it is
    assert (other.count("built"), other.count("kept")) == (1, 1)
    assert Store.open(store).quarantined() == []
    assert not list((store / ".writing").iterdir())


def test_scenes_that_break_the_limit_of_time_are_named(project, tmp_path):
    report = build(project, tmp_path / "store", CONFIG, limits=Limits(seconds=0.05))
    assert report.count("quarantined") == 2
    assert all("at most 0.05 seconds" in outcome.message for outcome in report.outcomes)
