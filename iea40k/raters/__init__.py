"""Who draws how: each expert's map as truth + bias(person, level, zone) + noise(person). Pure, robust, shrunk.

After Dawid and Skene (1979) and the crossed random effects of Shrout and Fleiss (1979), for maps of numbers: the truth
of a pixel, the people's biases and their noises are estimated in turn until they agree. Medians and a bounded
influence keep people who are wrong on purpose from moving the others; a person's noise is judged against the truth that
the others give, so that nobody confirms themselves; what few images say is drawn towards what holds for all.

All values are in residual units ([-1, 1], + = underexposed).
"""

from iea40k.raters.fitting import fit_raters
from iea40k.raters.people import (
    PIXELS_AN_IMAGE,
    ZONES,
    RatedPixels,
    Rater,
    RaterModel,
    sample_pixels,
    weighted_truth,
    without_bias,
)

__all__ = [
    "PIXELS_AN_IMAGE",
    "ZONES",
    "RatedPixels",
    "Rater",
    "RaterModel",
    "fit_raters",
    "sample_pixels",
    "weighted_truth",
    "without_bias",
]
