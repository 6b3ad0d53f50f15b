"""The tuning set and the test set: which photographs, seeds, levels and faults."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.planted_outliers.faults import KINDS, Planted, planted
from benchmarks.planted_outliers.scenes import Clean, exposed, pictures

SEEDS = {"tuning": 1_000, "test": 500_000}
LOOKS = Path(__file__).parent / "looks.json"
FAULTS_A_SCENE = 4


def scenes(part: str, count: int) -> Iterator[Planted]:
    """Yield planted scenes of photographs of a part, "tuning" or "test"."""
    found = pictures(part, count)
    for number in range(count):
        name, picture = found[number % len(found)]
        other = found[(number + 1) % len(found)][1]
        yield plant(exposed(name, picture, SEEDS[part] + number), SEEDS[part] + number, other)


def plant(clean: Clean, seed: int, other: np.ndarray) -> Planted:
    """Return a clean scene with `FAULTS_A_SCENE` faults, chosen by the seed, in one of its middle levels."""
    rng = np.random.default_rng([seed, 7])
    middle = [i for i, ev in enumerate(clean.evs) if abs(ev) <= 2.5] or [len(clean.evs) // 2]
    kinds = [str(k) for k in rng.choice(KINDS, FAULTS_A_SCENE, replace=False)]
    return planted(clean, int(rng.choice(middle)), kinds, seed, other)


def looked(why: str) -> int:
    """Count one more look at the test set; return how many there were."""
    looks = json.loads(LOOKS.read_text(encoding="utf-8")) if LOOKS.exists() else []
    looks.append(why)
    LOOKS.write_text(json.dumps(looks, indent=1) + "\n", encoding="utf-8")
    return len(looks)
