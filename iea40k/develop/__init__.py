"""Development: any photograph, RAW or rendered, to linear light, and linear light to exposures."""

from iea40k.develop.exposing import expose
from iea40k.develop.image import LinearImage
from iea40k.develop.loading import load_encoded, load_linear

__all__ = ["LinearImage", "expose", "load_encoded", "load_linear"]
