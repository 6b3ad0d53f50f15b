# ruff: noqa: T201 - it speaks to the test that kills it
"""A process that paints as fast as it can, to be killed: `painter.py STORE DESKS LEDGER SEED`.

After each stroke whose safety was promised it prints the sha256 of the codes it now shows.
"""

import hashlib
import random
import sys
import time
from pathlib import Path

from annotator.residual.brushes import Brush
from annotator.residual.strokes import Stroke
from annotator.session.session import Session


def main() -> None:
    place, desks, ledger, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    session = Session.open(Path(place), "Ada", folders=Path(desks), ledger_url=ledger or None)
    image = session.start()
    assert image is not None
    print("open", hashlib.sha256(image.codes.tobytes()).hexdigest(), flush=True)
    while True:
        if image.standing and rng.random() < 0.2:
            session.undo()
        else:
            stroke = Stroke(
                image.codes, image.base, Brush("add", rng.uniform(-0.1, 0.1), rng.uniform(2, 12), 0.5)
            )
            for _ in range(3):
                stroke.move((rng.uniform(0, 96), rng.uniform(0, 128)))
            patch = stroke.finish()
            assert patch is not None
            session.record(image.draft("brush", patch, {"tool": "add"}), shown=True)
        while session.saving.writing:
            time.sleep(0.001)
        print("safe", hashlib.sha256(image.codes.tobytes()).hexdigest(), flush=True)


if __name__ == "__main__":
    main()
