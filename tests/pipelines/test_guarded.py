import signal
import sys
import threading
from pathlib import Path

import pytest

from iea40k import isolation
from iea40k.isolation import Limits
from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.config import BuildConfig
from pipelines.scene_task import Outcome
from pipelines.synthetic import PHOTOGRAPHS, make_project
from tests.processes import children_that_run

CONFIG = BuildConfig(short_side=96)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    chosen = [p for p in PHOTOGRAPHS if p.name in ("coffee", "chelsea")]
    return make_project(tmp_path_factory.mktemp("project"), chosen, scale=0.6)


def kill_after_the_first(outcome: Outcome, done: int, total: int) -> None:
    """End the process that builds with a crash's own signal, soon after it begins the second scene."""
    if done == 1:
        shared = isolation._Helper.isolated  # what tests before this one read with
        spared = shared._process.pid if shared is not None and shared._process is not None else None
        (child,) = [child for child in children_that_run("isolation import serve") if child.pid != spared]
        threading.Timer(0.05, child.send_signal, [signal.SIGSEGV]).start()


def test_a_scene_that_kills_its_process_is_named_and_skipped_on_the_rerun(project, tmp_path):
    store = tmp_path / "store"
    report = build(project, store, CONFIG, progress=kill_after_the_first)
    assert {o.scene_id: o.status for o in report.outcomes} == {"chelsea": "built", "coffee": "quarantined"}
    (entry,) = Store.open(store).quarantined()
    assert (entry.scene_id, entry.error) == ("coffee", "LimitError")
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
