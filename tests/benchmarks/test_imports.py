"""Every benchmark starts: what it imports is where it says, and it has a title and a `run`."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = sorted(path.stem for path in Path("benchmarks").glob("bench_*.py"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_can_be_imported(name: str) -> None:
    """A room that moved leaves no benchmark behind that fails at its first line."""
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.TITLE
    assert callable(module.run)
