"""How soon the command answers, against an interpreter that does nothing, in turn in one run."""

import subprocess
import sys

from benchmarks.harness import Figure, interleaved_seconds

TITLE = "How soon the command answers"

_MOST = {
    "iea40k --version": 8.0,
    "iea40k --help": 8.0,
    "import iea40k": 1.5,
}  # times an interpreter that does nothing
_CALLS = {
    "python -c pass": ["-c", "pass"],
    "iea40k --version": ["-m", "pipelines.cli", "--version"],
    "iea40k --help": ["-m", "pipelines.cli", "--help"],
    "iea40k queue --help": ["-m", "pipelines.cli", "queue", "--help"],
    "iea40k build --help": ["-m", "pipelines.cli", "build", "--help"],
    "import iea40k": ["-c", "import iea40k"],
}


def _call(arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def run() -> list[Figure]:
    calls = [lambda a=a: _call(a) for a in _CALLS.values()]
    nothing, *rest = interleaved_seconds(*calls, repeats=20)
    figures = [Figure("python -c pass", nothing * 1e3, "ms", "-")]
    for name, seconds in zip(list(_CALLS)[1:], rest, strict=True):
        ratio, most = seconds / nothing, _MOST.get(name)
        aim, met = (f"at most {most:g}", ratio <= most) if most else ("", None)
        figures.append(Figure(name, ratio, "x", "python -c pass", aim, met, f"{seconds * 1e3:.0f} ms"))
    return figures
