"""Do the exposures that metadata state agree with each other and with the pixels? If not, which is more plausible?

Three witnesses: the exposure that EXIF's times, apertures and ISO make; the exposure bias, where a camera
bracketed by it; and the pixels. The pixels tell steps only up to a common factor (their response is an
estimate), so each other witness is compared after the factor that suits it best, within what responses can be wrong by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.25
"""Stops by which a step may differ between witnesses: nominal times and a fitted response together."""

FACTOR = (0.65, 1.55)
"""Common factors between the pixels' steps and true ones that a wrong response can explain."""

CLEARLY = 2.0
"""How many times nearer to the pixels a witness must lie to be believed in place of another."""


@dataclass(frozen=True)
class Verdict:
    """Which EVs are used: `chosen` ("exif", "bias" or "pixels"), the `evs` in stops relative to the same frame, and the
    `conflict` in words, empty where the witnesses agree. `doubtful`: another witness contradicts the chosen EVs, and
    none speaks for them."""

    chosen: str
    evs: tuple[float, ...]
    conflict: str
    doubtful: bool = False


def cross_examine(
    exif: Sequence[float], biases: Sequence[float | None], pixels: Sequence[float] | None, as_shot: int
) -> Verdict:
    """Return the most plausible of a bracket's EVs.

    `exif` and `pixels` are stops relative to any frame, `pixels` None where they could not be estimated;
    `biases` as the files give them. Stated exposures stand unless the pixels contradict them, and another
    witness lies clearly nearer.
    """
    stated = _relative(exif, as_shot)
    bias = _bias(biases, as_shot)
    if pixels is None:
        apart = None if bias is None else _steps_apart(stated, bias)
        far = apart is not None and apart > TOLERANCE
        said = (
            f"exposure bias and EXIF differ by {apart:.2f} stops a step; the pixels cannot tell"
            if far
            else ""
        )
        return Verdict("exif", stated, said, doubtful=far)
    seen = _relative(pixels, as_shot)
    off = _after_factor(stated, seen)
    if off <= TOLERANCE:
        if bias is not None and _steps_apart(stated, bias) > TOLERANCE:
            worst = _steps_apart(stated, bias)
            return Verdict(
                "exif",
                stated,
                f"exposure bias differs by {worst:.2f} stops a step; the pixels agree with EXIF",
            )
        return Verdict("exif", stated, "")
    if bias is not None and (near := _after_factor(bias, seen)) * CLEARLY <= off:
        return Verdict(
            "bias",
            bias,
            f"EXIF's exposures differ from the pixels by {off:.2f} stops a step, "
            f"the exposure bias by {near:.2f}: bias used",
        )
    if off > 2 * TOLERANCE:
        evs = tuple(round(ev, 2) + 0.0 for ev in seen)
        return Verdict(
            "pixels", evs, f"EXIF's exposures differ from the pixels by {off:.2f} stops a step: pixels used"
        )
    return Verdict(
        "exif",
        stated,
        f"EXIF's exposures differ from the pixels by {off:.2f} stops a step; EXIF kept, since the pixels "
        f"may be wrong by {2 * TOLERANCE:g} themselves",
        doubtful=True,
    )


def _relative(evs: Sequence[float], as_shot: int) -> tuple[float, ...]:
    return tuple(float(ev) - float(evs[as_shot]) for ev in evs)


def _bias(biases: Sequence[float | None], as_shot: int) -> tuple[float, ...] | None:
    """Return the biases relative to the as-shot frame, None where they do not bracket: unknown, or two alike."""
    known = [b for b in biases if b is not None]
    if len(known) < len(biases) or len({round(b, 2) for b in known}) < len(known):
        return None
    return _relative(known, as_shot)


def _steps(evs: Sequence[float], order: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.diff(np.asarray(evs, np.float64)[order])


def _steps_apart(one: Sequence[float], other: Sequence[float]) -> float:
    order = np.argsort(other, kind="stable")
    return float(np.abs(_steps(one, order) - _steps(other, order)).max(initial=0.0))


def _after_factor(witness: Sequence[float], seen: Sequence[float]) -> float:
    """Return the largest difference of a step in stops after the common factor that makes it least."""
    order = np.argsort(seen, kind="stable")
    theirs, ours = _steps(witness, order), _steps(seen, order)
    factors = np.linspace(*FACTOR, 181)
    return float(np.abs(theirs[None] - factors[:, None] * ours[None]).max(axis=1, initial=0.0).min())
