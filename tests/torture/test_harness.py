"""The harness itself: what breaks is counted and told, what this machine lacks is said, seeds repeat."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture import trials_ledger, trials_together
from tests.torture.harness import (
    Clock,
    NotHereError,
    Outcome,
    Report,
    Task,
    Trial,
    every_trial,
    run_trial,
    shares,
)
from tests.torture.table import BEGIN, END, as_table, write_table
from tests.torture.trials_soak import slopes

ROOT = Path(__file__).parents[2]


def _draws(task: Task) -> None:
    task.report.held(f"draws of {task.rng.random()}")


def _breaks(task: Task) -> None:
    task.report.held("tries", 3)
    task.report.measured("4 MiB")
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
    write_table(page, outcomes, "a machine", 7)
    text = page.read_text()
    assert "| self | a\\|b | 3 tries, 4 MiB | 2 | 7, 5, " in text
    assert "| self | c | not here: no moon | - | 7, 5, " in text
    assert as_table(outcomes, "a machine", 7) in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    (tmp_path / "bare.md").write_text("nothing")
    with pytest.raises(ValueError, match="lacks"):
        write_table(tmp_path / "bare.md", outcomes, "a machine", 7)


def test_a_run_of_some_trials_leaves_the_rows_of_the_others(tmp_path: Path) -> None:
    """Only of trials that there are, on such a machine; one that was left out keeps what it once said."""
    one, other, *_ = every_trial()
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}")

    def write(trial: Trial, seed: int, system: str = "a machine", skipped: str = "") -> list[str]:
        report = Report(tried={"tries": seed})
        write_table(page, [Outcome(trial, seed, 1, report, skipped)], system, 7)
        return [line.split(" | ")[2] for line in page.read_text().splitlines() if line.startswith("| ")][1:]

    assert write(other, 1) == ["1 tries"]
    assert write(one, 2) == ["2 tries", "1 tries"]
    assert write(one, 3) == ["3 tries", "1 tries"]
    assert write(one, 4, skipped="no moon") == ["3 tries", "1 tries"]
    assert write(Trial("self", "gone", 1, _draws), 5) == ["3 tries", "1 tries", "5 tries"]
    assert write(one, 6) == ["6 tries", "1 tries"]
    assert write(one, 7, system="another") == ["7 tries"]


def test_a_trial_that_would_get_less_than_it_needs_is_left_out() -> None:
    few, many, long = (Trial("self", name, weight, run, needs) for name, weight, run, needs in
                       (("a", 1, _draws, 0.0), ("b", 3, _breaks, 0.0), ("c", 4, _lacks, 50.0)))  # fmt: skip
    assert shares([few, many, long], 96) == {few.name: 24.0, many.name: 72.0, long.name: 0.0}
    assert shares([few, many, long], 800) == {few.name: 100.0, many.name: 300.0, long.name: 400.0}
    assert shares([long], 49) == {long.name: 0.0}


def test_slopes_are_those_that_were_planted() -> None:
    rng = random.Random(1)
    flat = [{"images": n, "memory": 500.0, "processor": 0.02 * n} for n in range(1, 2001)]
    assert slopes(flat) == pytest.approx((0, 0, 0.02), abs=1e-6)
    grown = [
        {
            "images": n,
            "memory": 500 + 0.03 * n + rng.random() + (200 if n % 97 == 0 else 0) - 400 / n,
            "processor": 0.02 * n + 0.002 * n**2 / 1000,
        }
        for n in range(1, 2001)
    ]
    memory_gained, slower, each = slopes(grown)
    assert memory_gained == pytest.approx(30, abs=1)
    assert slower == pytest.approx(0.004 / 0.0244, rel=0.1)
    assert each == pytest.approx(0.0244, rel=0.05)


@pytest.mark.parametrize(
    "run",
    [trials_ledger.clocks, trials_ledger.sqlite_bit_flips, trials_together.writers, trials_together.readers],
)
def test_short_trials_hold(run: object, tmp_path: Path) -> None:
    report = Report()
    for number, seconds in enumerate((2, 20, 100)):  # a machine that is busy gets nowhere in two
        (folder := tmp_path / str(number)).mkdir()
        run(Task(random.Random(3), folder, Clock(seconds), report))  # type: ignore[operator]
        assert report.broken == []
        if report.tried:
            break
    assert report.tried


def test_every_trial_has_a_name_of_its_own_and_they_are_listed() -> None:
    names = [trial.name for trial in every_trial()]
    assert len(set(names)) == len(names)
    command = [sys.executable, "-m", "tests.torture", "--list"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == names
