"""The harness itself: what breaks is counted and told, what this machine lacks is said, seeds repeat."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture import trials_ledger
from tests.torture.harness import Clock, NotHereError, Report, Task, Trial, every_trial, run_trial
from tests.torture.table import BEGIN, END, as_table, write_table

ROOT = Path(__file__).parents[2]


def _draws(task: Task) -> None:
    task.report.held(f"draws of {task.rng.random()}")


def _breaks(task: Task) -> None:
    task.report.held("tries", 3)
    task.report.expect(False, "one | broke", "tries")
    raise ValueError("and then it fell over")


def _lacks(task: Task) -> None:
    raise NotHereError("no moon")


def test_a_seed_repeats_a_trial(tmp_path: Path) -> None:
    trial = Trial("self", "draws", 1, _draws)
    tried = [run_trial(trial, seed, 1, tmp_path).report.tried for seed in (1, 1, 2)]
    assert tried[0] == tried[1] != tried[2]


def test_what_breaks_is_told_and_the_table_shows_it(tmp_path: Path) -> None:
    outcomes = [
        run_trial(Trial("self", what, 1, run), 5, 1, tmp_path)
        for what, run in (("a|b", _breaks), ("c", _lacks))
    ]
    assert outcomes[0].report.failures == 2
    assert outcomes[0].report.broken[0] == "one | broke"
    assert outcomes[0].report.broken[1].startswith("ValueError: and then it fell over (test_harness.py:")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_table(page, as_table(outcomes, "A run."))
    text = page.read_text()
    assert "| self | a\\|b | 3 tries | 2 | 5 |" in text
    assert "| self | c | not here: no moon | - | 5 |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    (tmp_path / "bare.md").write_text("nothing")
    with pytest.raises(ValueError, match="lacks"):
        write_table(tmp_path / "bare.md", "x")


@pytest.mark.parametrize("run", [trials_ledger.clocks, trials_ledger.sqlite_bit_flips])
def test_short_trials_hold(run: object, tmp_path: Path) -> None:
    report = Report()
    run(Task(random.Random(3), tmp_path, Clock(2), report))  # type: ignore[operator]
    assert report.broken == []
    assert sum(report.tried.values()) >= 1


def test_every_trial_has_a_name_of_its_own_and_they_are_listed() -> None:
    names = [trial.name for trial in every_trial()]
    assert len(set(names)) == len(names)
    command = [sys.executable, "-m", "tests.torture", "--list"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == names
