"""Near-twins: pictures that show the same photograph, however it was cropped, resized, compressed, exposed or coloured.

`sketch` (what is kept of a picture), `twins` (which sketches show the same, and the groups that they make).
"""

from iea40k.likeness.sketch import Sketch, sketch_of
from iea40k.likeness.twins import Twin, find_twins, groups_of

__all__ = ["Sketch", "Twin", "find_twins", "groups_of", "sketch_of"]
