"""`python -m tests.torture`: run the trials, print their seeds and findings, write the table.

TORTURE=short is about two minutes, nothing about ten, TORTURE=long hours; `--seconds` says it exactly.
"""

import argparse
import os
import platform
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.torture.harness import Outcome, Report, Trial, every_trial, run_trial, shares
from tests.torture.table import as_table, write_table

SECONDS = {"short": 120.0, "": 600.0, "long": 4 * 3600.0}
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def main() -> int:
    """Return 0 where everything held, 1 where something broke."""
    options = _options()
    trials = [one for one in every_trial() if not options.only or any(o in one.name for o in options.only)]
    if options.list:
        print("\n".join(f"{one.name:<34} {one.what}" for one in trials))
        return 0
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    print(f"{len(trials)} trials in about {options.seconds:.0f} s, seed {seed}", flush=True)
    write = partial(write_table, PAGE, system=_system(), seconds=options.seconds)
    outcomes = _run(trials, options.seconds, seed, options.keep, write if options.write else lambda _: None)
    print(f"\n{as_table(outcomes, _system(), options.seconds)}")
    return int(any(outcome.report.failures for outcome in outcomes))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    length = os.environ.get("TORTURE", "")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS.get(length, SECONDS[""]), help="how long in all"
    )
    parser.add_argument("--seed", type=int, help="as an earlier run printed it")
    parser.add_argument(
        "--only", action="append", help="trials whose name holds this; may be given several times"
    )
    parser.add_argument("--list", action="store_true", help="name the trials and run none")
    parser.add_argument(
        "--write", action="store_true", help="write what was run into the table of docs/reliability.md"
    )
    parser.add_argument("--keep", type=Path, help="keep the folders of the trials here")
    return parser.parse_args()


def _run(
    trials: Sequence[Trial],
    seconds: float,
    seed: int,
    keep: Path | None,
    write: Callable[[Sequence[Outcome]], None],
) -> list[Outcome]:
    """Run the trials; what each found is printed and written at once, so that a run that is stopped leaves it."""
    root = keep or Path(tempfile.mkdtemp(prefix="torture-"))
    share = shares(trials, seconds)
    outcomes = []
    try:
        for one in trials:
            folder = root / one.name
            folder.mkdir(parents=True, exist_ok=True)
            if share[one.name]:
                outcome = run_trial(one, seed, share[one.name], folder)
            else:
                outcome = Outcome(one, seed, 0.0, Report(), f"it needs {one.needs:.0f} s: TORTURE=long")
            outcomes.append(outcome)
            print(_line(outcome), flush=True)
            write([outcome])
    finally:
        if keep is None:
            shutil.rmtree(root, ignore_errors=True)
    return outcomes


def _line(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"-  {outcome.trial.name}: not here: {outcome.skipped}"
    tried = ", ".join(outcome.report.words())
    verdict = f"{outcome.report.failures} BROKEN" if outcome.report.failures else "held"
    lines = [f"{'x' if outcome.report.failures else 'ok'} {outcome.trial.name}: {verdict}; {tried}"]
    lines[0] += f" ({outcome.seconds:.0f} s, seed {outcome.seed})"
    return "\n".join([*lines, *(f"     {finding}" for finding in outcome.report.broken)])


def _system() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
