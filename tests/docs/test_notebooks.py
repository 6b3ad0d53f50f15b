"""A notebook a role: run by a real kernel in an empty folder beside a demo, and kept small."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests.docs.test_tutorials import demo

__all__ = ["demo"]
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def making():
    spec = importlib.util.spec_from_file_location("make_notebooks", ROOT / "docs" / "make_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_role_has_one_and_they_are_small(making):
    assert [file.stem for file in NOTEBOOKS] == ["annotator", "curator", "trainer"]
    for file in NOTEBOOKS:
        assert file.stat().st_size <= making.MOST_BYTES
        cells = json.loads(file.read_text())["cells"]
        kept = [output for cell in cells for output in cell.get("outputs", [])]
        assert any("image/png" in output.get("data", {}) for output in kept)
        assert all(output.get("name") != "stderr" for output in kept)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of zmq and jupyter, at the border of processes
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_from_top_to_bottom(file, demo, making, monkeypatch):
    # The kernel is a process of its own: it finds the code of this checkout.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = making.ran(file, demo)
    said = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in said) >= 1
    kept = json.loads(file.read_text())["cells"]
    assert [len(cell.get("outputs", [])) for cell in done.cells] == [
        len(cell.get("outputs", [])) for cell in kept
    ]
