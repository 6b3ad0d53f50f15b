# ruff: noqa: T201 - it speaks to the test that kills it
"""A process that sets zones as fast as it can, to be killed: `zone_painter.py STORE DESKS SEED`.

After each step whose safety was promised it prints the sha256 of the reference it now shows.
"""

import hashlib
import random
import sys
import time
from pathlib import Path

from annotator.reference.strokes import ReferenceStroke
from annotator.reference.tools import ReferenceTools
from annotator.session.session import Session


def main() -> None:
    place, desks, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    session = Session.open(Path(place), "Ada", folders=Path(desks))
    session.start()
    reference = session.reference
    assert reference is not None
    print("open", hashlib.sha256(reference.picture.tobytes()).hexdigest(), flush=True)
    while True:
        if reference.standing and rng.random() < 0.2:
            session.undo()
        else:
            mode = rng.choice(("set", "shift", "shift", "erase"))
            hand = ReferenceTools(
                mode=mode, zone=rng.uniform(2, 7), stops=rng.choice((-1, 1)) / 3, side=16, edge=2
            )
            stroke = ReferenceStroke(reference, hand)
            for _ in range(2):
                stroke.move((rng.uniform(0, 95), rng.uniform(0, 127)))
            session.record(*reference.changes(stroke.finish(), {"tool": mode}), shown=True)
        while session.saving.writing:
            time.sleep(0.001)
        print("safe", hashlib.sha256(reference.picture.tobytes()).hexdigest(), flush=True)


if __name__ == "__main__":
    main()
