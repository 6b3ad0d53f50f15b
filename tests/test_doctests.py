"""Every example in a docstring of the core gives what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

import iea40k

CORE = Path(iea40k.__file__).parent
FILES = [file for file in sorted(CORE.rglob("*.py")) if "    >>> " in file.read_text(encoding="utf-8")]


def module_name(file: Path) -> str:
    return ".".join(("iea40k", *file.relative_to(CORE).with_suffix("").parts)).removesuffix(".__init__")


@pytest.mark.parametrize("name", [module_name(file) for file in FILES])
def test_examples_of_a_module(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_the_modules_that_work_on_arrays_have_examples():
    arrays = {"api", "arrays", "metrics", "outliers.flags", "render", "residuals", "scoring", "zones"}
    assert {f"iea40k.{name}" for name in arrays} <= set(map(module_name, FILES))
