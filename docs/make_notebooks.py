"""Run the notebooks of docs/notebooks by a real kernel: `python docs/make_notebooks.py DEMO` writes their outputs anew.

DEMO is the folder of `iea40k demo`. Kept are cells and their small outputs, so that the site shows what a reader
will see; times, counters of execution and the kernel's machine are left out.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent / "notebooks"
MOST_BYTES = 300_000
"""What a notebook with its outputs may be large."""


def main(demo: Path) -> None:
    """Run all and keep what they gave."""
    for file in sorted(FOLDER.glob("*.ipynb")):
        done = ran(file, demo)
        text = nbformat.writes(done) + "\n"
        if len(text) > MOST_BYTES:
            raise SystemExit(f"{file.name}: {len(text)} bytes with its outputs, more than {MOST_BYTES}")
        file.write_text(text, encoding="utf-8")


def ran(file: Path, demo: Path, seconds: int = 240) -> Any:
    """Return a notebook with the outputs of a run in an empty folder that has the demo; raises where a cell fails."""
    notebook = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "demo").symlink_to(demo.resolve())
        client = NotebookClient(
            notebook, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            # Warnings and progress say something of the machine.
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
            for out in cell.outputs:
                out.pop("execution_count", None)
                if out.output_type == "execute_result":
                    out.execution_count = None
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


if __name__ == "__main__":
    main(Path(sys.argv[1]))
