"""What the canvas shows at a reference, decided without a window; the counterpart of `annotator.shared.display`."""

from dataclasses import dataclass

from annotator.reference.tools import ZoneHand
from annotator.shared.display import JUDGING, READ_ONLY, Canvas, Facts, Look, Picture

PICTURES: tuple[str, ...] = ("reference", "exposure", "built")


@dataclass(frozen=True)
class ZoneLook(Look):
    """How the person wants to see a reference. Raises `BadInputError` for what there is not.

    As `Look`, but for: `picture` and `beside` are the reference as edited, as `built`, or the `exposure` of the level
    beside it; `overlay`: that level's residual over any of them; `outlines`: the rims of the blocks; `clipping`: a
    hatch where light is lost; `zones`: the blocks' zones.
    """

    picture: Picture = "reference"
    beside: Picture = "exposure"
    overlay: bool = False
    clipping: bool = True
    zones: bool = False

    @classmethod
    def pictures(cls) -> tuple[str, ...]:
        """Return the pictures there are to choose from."""
        return PICTURES


def resolve_zones(look: ZoneLook, hand: ZoneHand, facts: Facts) -> Canvas:
    """Return what the canvas shows at a reference. Pure.

    `blink` held shows the picture to compare with instead; `peek` held hides everything over the picture. The
    reference can be edited where something that follows the edits is in sight: the reference itself, or the residual
    or the zones over another picture.
    """
    left, right = look.picture, look.beside
    if facts.blink:
        left, right = right, left
    hidden = facts.peek or not facts.open
    in_sight = (look.picture, look.beside if look.compare != "single" else look.picture)
    follows = "reference" in in_sight or look.overlay or look.zones
    paintable = facts.open and facts.paintable and follows
    notice = ""
    if not facts.open:
        notice = "no image is open"
    elif not facts.paintable:
        notice = JUDGING if facts.maps else READ_ONLY
    elif not follows:
        notice = "looking at the " + ("reference as built" if look.picture == "built" else "exposure")
    painting = paintable and hand.tool == "brush" and not facts.panning
    return Canvas(
        left=left,
        right=right if look.compare != "single" else None,
        split=look.split if look.compare == "wipe" else None,
        second_panel=look.compare == "side by side" and facts.open,
        overlay=look.overlay and not hidden,
        right_overlay=look.overlay and not hidden,
        swap_maps=False,
        opacity=look.opacity,
        palette=look.palette,
        outlines=look.outlines and not hidden,
        clipping=look.clipping and not hidden,
        edited=look.edited and not hidden,
        paintable=paintable,
        pan=hand.tool == "pan" or facts.panning or not paintable,
        cursor=2 * hand.radius if painting else None,
        notice=notice,
        zones=look.zones and not hidden,
    )
