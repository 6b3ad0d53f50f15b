"""Take the pictures of docs/tutorials: `xvfb-run -a python docs/make_screenshots.py [FOLDER]`.

`python docs/make_screenshots.py demo [FILE]` takes that of the README, of the demo's report, and needs no display.

`xvfb-run -a python docs/make_screenshots.py guide [FOLDER]` takes those of docs/annotator.md, but the first.

Nothing is drawn for the page: the annotator's window is worked by mouse and keys as its tutorial says, the report and
TensorBoard are opened in Chromium. Each step is checked before its picture is taken. Run it again after changes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from screenshots.commands import bracket_store
from screenshots.guide import guide
from screenshots.pages import demo, report, trainer
from screenshots.window import window

HERE = Path(__file__).parent
FOLDER = HERE / "images" / "tutorials"
DEMO = HERE / "images" / "report.png"


def main(folder: Path = FOLDER) -> None:
    """Take them all; the commands are those of the tutorials."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        subprocess.run([sys.executable, __file__, "window", str(folder)], check=True)
        bracket_store(work)
        report(work / "store", folder)
        trainer(work, folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["window"]:
        window(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["guide"]:
        guide(Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "images")
    elif sys.argv[1:2] == ["demo"]:
        demo(Path(sys.argv[2]) if len(sys.argv) > 2 else DEMO)
    else:
        main(*map(Path, sys.argv[1:2]))
