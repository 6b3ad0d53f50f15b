"""Trials, their time, and what they report. New trials: a module `trials_NAME.py` beside this one."""

import importlib
import pkgutil
import random
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tests.torture

MOST_SHOWN = 20
"""How many findings of one trial are kept in words."""


class NotHereError(Exception):
    """Raised by a trial that this machine cannot run, with the reason."""


@dataclass
class Report:
    """What a trial found: how often each thing was tried, and what did not hold."""

    tried: dict[str, int] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    failures: int = 0

    def held(self, what: str, times: int = 1) -> None:
        """Count something that was tried and held; `what` is a plural: "kills", "strokes acknowledged"."""
        self.tried[what] = self.tried.get(what, 0) + times

    def measured(self, figure: str) -> None:
        """Note a figure with its unit, in words for the table."""
        self.figures.append(figure)

    def broke(self, what: str) -> None:
        """Note something that did not hold, in words that say how to see it again."""
        self.failures += 1
        if len(self.broken) < MOST_SHOWN:
            self.broken.append(what)

    def words(self) -> list[str]:
        """Return what was tried how often, and the figures."""
        return [*(f"{count:,} {what}" for what, count in self.tried.items()), *self.figures]

    def expect(self, true: bool, what: str, counted: str) -> None:
        """Count `counted` where something holds, note `what` where it does not."""
        self.held(counted) if true else self.broke(what)


class Clock:
    """How much time a trial has left."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left; below zero when time is up."""
        return self.end - time.monotonic()

    def __bool__(self) -> bool:
        return self.left() > 0


@dataclass(frozen=True)
class Task:
    """What a trial is given: randomness from a printed seed, an empty folder, and its time."""

    rng: random.Random
    folder: Path
    clock: Clock
    report: Report


Run = Callable[[Task], None]


@dataclass(frozen=True)
class Trial:
    """`part` is the room under trial, `what` a sentence for the table; `weight` its share of the time.

    A trial that would get less than `needs` seconds is left out, and its share goes to the others.
    """

    part: str
    what: str
    weight: float
    run: Run
    needs: float = 0.0

    @property
    def name(self) -> str:
        """How `--only` knows it."""
        return f"{self.part}.{self.run.__name__}"


TRIALS: list[Trial] = []


def trial(part: str, what: str, *, weight: float = 1.0, needs: float = 0.0) -> Callable[[Run], Run]:
    """Mark a function as a trial."""

    def mark(run: Run) -> Run:
        TRIALS.append(Trial(part, what, weight, run, needs))
        return run

    return mark


def every_trial() -> list[Trial]:
    """Import every module of trials, and return what they marked."""
    for module in pkgutil.iter_modules(tests.torture.__path__):
        if module.name.startswith("trials_"):
            importlib.import_module(f"tests.torture.{module.name}")
    return sorted(TRIALS, key=lambda one: one.name)


def shares(trials: Sequence[Trial], seconds: float) -> dict[str, float]:
    """Return the seconds of each trial by its name, 0 for those that would get less than they need."""
    given = list(trials)
    while given:
        second = seconds / sum(one.weight for one in given)
        short = [one for one in given if one.weight * second < one.needs]
        if not short:
            return {one.name: one.weight * second if one in given else 0.0 for one in trials}
        given = [one for one in given if one not in short]
    return dict.fromkeys((one.name for one in trials), 0.0)


@dataclass(frozen=True)
class Outcome:
    """A trial that was run: its seed, what it reported, or why it was skipped."""

    trial: Trial
    seed: int
    seconds: float
    report: Report
    skipped: str = ""


def run_trial(one: Trial, seed: int, seconds: float, folder: Path) -> Outcome:
    """Run a trial from a run's seed for about `seconds`. What it raises is a finding, and ends this trial only.

    What the seed gives a trial does not depend on which others run: `--only NAME --seed N` repeats it.
    """
    report, began = Report(), time.monotonic()
    skipped = ""
    try:
        one.run(Task(random.Random(f"{seed} {one.name}"), folder, Clock(seconds), report))
    except NotHereError as reason:
        skipped = str(reason)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        report.broke(f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
    return Outcome(one, seed, time.monotonic() - began, report, skipped)
