"""What every benchmark shares: how to time, what a figure says, where it is written."""

import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
TABLE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """One measured figure: `value` in `unit`, against `baseline`; `aim` is what it should reach."""

    name: str
    value: float
    unit: str
    baseline: str
    aim: str = ""
    met: bool | None = None
    note: str = ""


def median_seconds(call: Callable[[], object], repeats: int = 5, warmup: int = 1) -> float:
    """Return the median wall time of `call()` over `repeats` runs after `warmup` runs."""
    for _ in range(warmup):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def interleaved_seconds(*calls: Callable[[], object], repeats: int = 5) -> tuple[float, ...]:
    """Return the median wall time of each call, run in turn A B A B ... so that drift hits all alike."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(repeats):
        for slot, call in zip(times, calls, strict=True):
            start = time.perf_counter()
            call()
            slot.append(time.perf_counter() - start)
    return tuple(statistics.median(slot) for slot in times)


def save(benchmark: str, title: str, figures: list[Figure]) -> None:
    """Write one benchmark's figures and make the table of all of them anew."""
    RESULTS.mkdir(exist_ok=True)
    payload = {
        "title": title,
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "figures": [asdict(figure) for figure in figures],
    }
    (RESULTS / f"{benchmark}.json").write_text(json.dumps(payload, indent=1) + "\n", encoding="utf-8")
    write_table()


def write_table() -> None:
    """Write docs/benchmarks.md from every result file."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `make benchmarks`. Ratios compare two things in the same run on the same machine.",
    ]
    for file in sorted(RESULTS.glob("*.json")):
        result = json.loads(file.read_text(encoding="utf-8"))
        lines += ["", f"## {result['title']}", "", f"`{file.stem}`, {result['machine']}", ""]
        lines += ["| figure | value | against | aim | reached | note |", "|---|---|---|---|---|---|"]
        for f in result["figures"]:
            reached = {True: "yes", False: "**no**", None: ""}[f["met"]]
            value = f"{f['value']:.4g} {f['unit']}"
            cells = (f["name"], value, f["baseline"], f["aim"], reached, f["note"])
            # A bar would begin the next cell.
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
