"""Fusion: the reference of a bracket, made of its own frames."""

from iea40k.fusion.curve import Curve
from iea40k.fusion.deviations import (
    admissible_sd,
    disagreement_sd,
    ev_sd,
    rendering_sd,
    unshown_sd,
)
from iea40k.fusion.fusing import Fusion, fuse
from iea40k.fusion.judging import Judgement, judge
from iea40k.fusion.mertens import MertensSettings, mertens
from iea40k.fusion.placing import EXPERTS, METERED, MIDDLE_OF_BRACKET, UNTONED, AsShot, Habits

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
    "admissible_sd",
    "disagreement_sd",
    "ev_sd",
    "fuse",
    "judge",
    "mertens",
    "rendering_sd",
    "unshown_sd",
]
