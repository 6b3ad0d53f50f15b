"""Fusion: the reference of a bracket, made of its own frames."""

from iea40k.fusion.curve import Curve
from iea40k.fusion.fusing import Fusion, fuse
from iea40k.fusion.judging import Judgement, judge
from iea40k.fusion.mertens import MertensSettings, mertens
from iea40k.fusion.placing import EXPERTS, METERED, MIDDLE_OF_BRACKET, UNTONED, AsShot, Habits
from iea40k.fusion.spread import (
    admissible_spread,
    disagreement_spread,
    ev_spread,
    rendering_spread,
    unshown_spread,
)

__all__ = [
    "EXPERTS",
    "METERED",
    "MIDDLE_OF_BRACKET",
    "UNTONED",
    "AsShot",
    "Curve",
    "Fusion",
    "Habits",
    "Judgement",
    "MertensSettings",
    "admissible_spread",
    "disagreement_spread",
    "ev_spread",
    "fuse",
    "judge",
    "mertens",
    "rendering_spread",
    "unshown_spread",
]
