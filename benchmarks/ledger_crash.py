"""Kill a writer at random, again and again: is every stroke that it acknowledged there?"""

import os
import random
import signal
import struct
import time
from pathlib import Path

import numpy as np

from iea40k.store.digests import array_digest
from iea40k.store.ledger import CorrectionDraft, Ledger, MapKey, PackedPatch, Patch

MAP = MapKey("scene", "P0", "writer")
BASE = np.zeros((512, 768), np.int16)
DIGEST = array_digest(BASE)


def stroke(number: int, map_key: MapKey = MAP) -> CorrectionDraft:
    """Return a 64 x 64 stroke of codes that hardly compress, with `number` as its id."""
    rng = np.random.default_rng(number)
    codes = rng.integers(-32640, 32640, 64 * 64).astype(np.int16)
    smooth = np.cumsum(rng.integers(-40, 41, 64 * 64)).clip(-32640, 32640).astype(np.int16)
    top, left = int(rng.integers(0, 448)), int(rng.integers(0, 704))
    patch = Patch(top, left, np.ones((64, 64), np.bool_), smooth, codes if number % 2 else smooth // 2)
    return CorrectionDraft(
        map_key=map_key,
        image_shape=(512, 768),
        base_digest=DIGEST,
        kind="brush",
        patch=PackedPatch.of(patch),
        stroke_id=f"{number:032x}",
    )


def kill_writers(place: Path, times: int, seed: int = 0) -> tuple[int, int, list[str]]:
    """Return (strokes acknowledged, of those lost, problems found) over `times` kills."""
    rng = random.Random(seed)
    Ledger.open(place, create=True).close()
    acknowledged: list[int] = []
    first = 0
    for _ in range(times):
        seen = _killed_after(place, first, rng.uniform(0.02, 0.12))
        acknowledged += seen
        first = max([first, *seen]) + 10
    with Ledger.open(place) as ledger:
        there = {int(c.stroke_id, 16) for c in ledger.corrections(MAP)}
        problems = list(ledger.tampering())
    return len(acknowledged), len(set(acknowledged) - there), problems


def _killed_after(place: Path, first: int, seconds: float) -> list[int]:
    """Fork a writer, kill -9 it `seconds` after its first stroke, and return what it acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            with Ledger.open(place) as ledger:
                for number in range(first, first + 100_000):
                    ledger.append_correction(stroke(number))
                    os.write(writer, struct.pack("<q", number))
        finally:
            os._exit(1)
    os.close(writer)
    received = os.read(reader, 8)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while block := os.read(reader, 1 << 16):
        received += block
    os.close(reader)
    whole = len(received) // 8 * 8
    return [number for (number,) in struct.iter_unpack("<q", received[:whole])]
