"""Kill the process in the middle of setting zones, again and again: what was promised to be safe is there."""

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from annotator.reference.state import Reference
from iea40k.store.ledger import Ledger, MapKey, Outbox
from iea40k.store.ledger.entries import ZoneDraft
from iea40k.store.ledger.zone_replay import replay_zones

PAINTER = Path(__file__).parent / "zone_painter.py"
ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("IEA40K_KILLS", "6"))


@pytest.fixture
def ledger_place() -> None:
    """The store's own ledger."""


def picture_after(reference: Reference, edits: list[ZoneDraft]) -> str:
    picture = replay_zones(reference.base, edits).picture  # type: ignore[arg-type]
    return hashlib.sha256(picture.tobytes()).hexdigest()


@pytest.mark.slow
def test_kill_9_while_zones_are_set_loses_no_promised_edit(asked, begin_at, tmp_path: Path):
    """The promised picture is that of the edits found, or of all but the last few of one step under way."""
    store, _ = asked
    rng = random.Random(7)
    for round_ in range(KILLS):
        command = [sys.executable, str(PAINTER), str(store.path), str(tmp_path / "desks"), str(round_)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        lines = [process.stdout.readline().split()]
        assert lines[0][0] == "open"
        until = time.monotonic() + rng.uniform(0.1, 0.8)
        while time.monotonic() < until:
            lines.append(process.stdout.readline().split())
        process.kill()
        lines += [line.split() for line in process.stdout.read().splitlines()]
        process.stdout.close()
        process.wait()
        promised = [line[1] for line in lines if len(line) == 2 and len(line[1]) == 64]
        session = begin_at()
        reference = session.start()
        assert isinstance(reference, Reference)
        edits = list(reference.strokes)
        # A step that was on its way may be there in part: edits of one drag, or undos of one drag.
        found = [picture_after(reference, edits[: len(edits) - n]) for n in range(min(len(edits), 60) + 1)]
        assert promised[-1] in found
        assert found[0] == hashlib.sha256(reference.picture.tobytes()).hexdigest()
        assert session.retry().clean
        session.close()
    with Ledger.open(store.path) as ledger:
        assert list(ledger.tampering()) == []
        assert len(ledger.zone_edits(MapKey("s1", "reference", "Ada"))) > KILLS
    assert len(Outbox(next((tmp_path / "desks").rglob("outbox")))) == 0
