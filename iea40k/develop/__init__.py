"""Development: any photograph, RAW or rendered, to linear light, and light to exposures."""

from iea40k.develop.geometry import fit
from iea40k.develop.linear import LinearImage, ReadOptions, expose
from iea40k.develop.load import load_encoded, load_guarded, load_linear
from iea40k.develop.probe import PICTURE_SUFFIXES, RAW_SUFFIXES, RENDERED_SUFFIXES, is_raw, probe

__all__ = [
    "PICTURE_SUFFIXES",
    "RAW_SUFFIXES",
    "RENDERED_SUFFIXES",
    "LinearImage",
    "ReadOptions",
    "expose",
    "fit",
    "is_raw",
    "load_encoded",
    "load_guarded",
    "load_linear",
    "probe",
]
