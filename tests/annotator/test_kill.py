"""Kill the painter in the middle of painting, again and again: what was promised to be safe is there."""

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Outbox
from tests.annotator.conftest import Begin

PAINTER = Path(__file__).parent / "painter.py"
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("IEA40K_KILLS", "6"))


@pytest.mark.slow
def test_kill_9_in_the_middle_of_painting_loses_no_promised_stroke(
    queued: Store, begin: Begin, tmp_path: Path
):
    """The codes after a kill are those of the last promise, or of the one stroke that was on its way."""
    rng = random.Random(5)
    previous: list[str] = []
    for round_ in range(KILLS):
        command = [sys.executable, str(PAINTER), str(queued.path), str(tmp_path / "desks"), "", str(round_)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        lines = [process.stdout.readline().split()]
        assert lines[0][0] == "open"
        if previous:
            assert lines[0][1] in previous
        until = time.monotonic() + rng.uniform(0.05, 0.6)
        while time.monotonic() < until:
            lines.append(process.stdout.readline().split())
        process.kill()
        lines += [line.split() for line in process.stdout.read().splitlines()]
        process.stdout.close()
        process.wait()
        promised = [line[1] for line in lines if len(line) == 2 and len(line[1]) == 64]
        session = begin()
        image = session.start()
        assert image is not None
        found = hashlib.sha256(image.codes.tobytes()).hexdigest()
        if found != promised[-1]:
            # One stroke may be further than its promise: it was on the disk when the kill came.
            session.undo()
            one_less = hashlib.sha256(image.codes.tobytes()).hexdigest()
            session.redo()
            assert promised[-1] in (one_less, found) or image.strokes[-1].kind == "undo"
        previous = [found]
        assert session.retry().clean
        session.close()
    with Ledger.open(queued.path) as ledger:
        assert list(ledger.tampering()) == []
        assert ledger.corrections(MapKey("s1", "P0", "Ada"))
    assert len(Outbox(next((tmp_path / "desks").rglob("outbox")))) == 0
