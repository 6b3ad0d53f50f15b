"""The keys: one table, from which they are bound and from which the help is made.

Where napari has a key for its own brush, ours does the same thing with the residual: P, E, F, L, Z, 1, 2, 4, 5, 6,
brackets, - and =, X, Space, Ctrl+Z. V, Ctrl+R and the other keys of napari stay napari's.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Key:
    """Keys as napari spells them, the controller's verb with its arguments, and what the help says.

    `at_reference`: the verb is that of the controller's `zones`, and the key means this at a reference only.
    `held`: the verb is called with True on press and False on release. `like_napari`: napari binds the key to the
    same act on its own labels.
    """

    keys: tuple[str, ...]
    verb: str
    text: str
    group: str
    arguments: tuple[object, ...] = ()
    held: bool = False
    like_napari: bool = False
    at_reference: bool = False


KEYS: tuple[Key, ...] = (
    Key(("P", "2"), "take_brush", "brush: set the value", "Tools", ("set",), like_napari=True),
    Key(("A",), "take_brush", "brush: add (dodge and burn)", "Tools", ("add",)),
    Key(("K",), "take_brush", "brush: scale towards zero", "Tools", ("scale",)),
    Key(("H",), "take_brush", "brush: smooth", "Tools", ("smooth",)),
    Key(("E", "1"), "take_brush", "eraser: back to the base", "Tools", ("erase",), like_napari=True),
    Key(("F", "4"), "take", "fill a similar region", "Tools", ("fill",), like_napari=True),
    Key(("S",), "take", "fill a superpixel", "Tools", ("superpixel",)),
    Key(("G",), "take", "light source or logo: flood it", "Tools", ("light source",)),
    Key(("O",), "take", "repair a suggested region", "Tools", ("outlier",)),
    Key(("R",), "take", "fill a range of the residual", "Tools", ("range",)),
    Key(("L", "5"), "take", "pick the value", "Tools", ("picker",), like_napari=True),
    Key(("Z", "6"), "take", "move the view", "Tools", ("pan",), like_napari=True),
    Key(("Space",), "pan_held", "hold: move the view with the mouse", "View", held=True, like_napari=True),
    Key(("[",), "size", "smaller brush, or reach of the tool", "Brush", (1 / 1.15,), like_napari=True),
    Key(("]",), "size", "larger brush, or reach of the tool", "Brush", (1.15,), like_napari=True),
    Key(("-",), "nudge", "value down by 1/255", "Brush", (-1 / 255,), like_napari=True),
    Key(("=",), "nudge", "value up by 1/255", "Brush", (1 / 255,), like_napari=True),
    Key(("9",), "nudge", "value down by 0.05", "Brush", (-0.05,)),
    Key(("0",), "nudge", "value up by 0.05", "Brush", (0.05,)),
    Key(("X",), "swap_value", "swap the value with 0", "Brush", like_napari=True),
    Key(("Shift-X",), "negate_value", "turn the value's sign", "Brush"),
    Key((";",), "strengthen", "weaker brush", "Brush", (-0.1,)),
    Key(("'",), "strengthen", "stronger brush", "Brush", (0.1,)),
    Key(("/",), "soften", "hard, half or fully feathered edge", "Brush"),
    Key(("Shift-H",), "toggle_highlights", "only highlights, or all lumas", "Brush"),
    Key(("Shift-R",), "range_here", "range around the residual under the cursor", "Brush"),
    Key(("J",), "jump", "go to the next suggested region", "Suggestions", (1,)),
    Key(("Shift-J",), "jump", "go to the one before", "Suggestions", (-1,)),
    Key(("U",), "accept_here", "repair the region under the cursor", "Suggestions"),
    Key(("Shift-U",), "reject_here", "it is right as it is", "Suggestions"),
    Key(("Control-J",), "accept_all", "repair every small speckle", "Suggestions"),
    Key(("Control-Z",), "undo", "undo", "Strokes", like_napari=True),
    Key(("Control-Shift-Z",), "redo", "redo", "Strokes", like_napari=True),
    Key(("Escape",), "cancel", "drop the stroke in the making", "Strokes", like_napari=True),
    Key(("Shift-E",), "clear", "the whole image back to its base", "Strokes"),
    Key(("Shift-S",), "adopt_stale", "draw stale strokes again", "Strokes"),
    Key(("Control-L",), "carry", "propagate to the other levels", "Strokes"),
    Key(("Q",), "peek", "hold: hide everything over the picture", "View", held=True),
    Key(("N",), "blink", "hold: show the other picture", "View", held=True),
    Key(("C",), "cycle_picture", "exposure, reference, preview", "View"),
    Key(("Y",), "toggle_preview", "preview: the exposure, corrected", "View"),
    Key(("W",), "compare", "wipe with the reference (Shift moves it)", "View", ("wipe",)),
    Key(("D",), "compare", "side by side", "View", ("side by side",)),
    Key(("T",), "toggle", "outlines of suggested regions", "View", ("outlines",)),
    Key(("Shift-T",), "toggle", "outlines of blown and crushed regions", "View", ("clipping",)),
    Key(("Shift-M",), "toggle", "outlines of what you edited", "View", ("edited",)),
    Key(("I",), "cycle_opacity", "strength of the overlay", "View"),
    Key(("Shift-C",), "cycle_palette", "colour-blind-safe colours", "View"),
    Key((",",), "other_level", "look at a darker level", "View", (-1,)),
    Key((".",), "other_level", "look at a brighter level", "View", (1,)),
    Key(("`",), "home_level", "back to the level under work", "View"),
    Key(("Control-Enter", "Control-Return"), "submit", "submit and open the next", "Flow"),
    Key(("Control-B",), "base_is_right", "submit: the base is right", "Flow"),
    Key(("Control-K",), "skip", "skip, with a reason", "Flow"),
    Key(("Control-I",), "flag", "tell the curator something", "Flow"),
    Key(("PageDown",), "step", "in review and when looking: the next image", "Flow", (1,)),
    Key(("PageUp",), "step", "in review and when looking: the one before", "Flow", (-1,)),
    Key(("Shift-G",), "abandon", "go on after a lease was lost", "Flow"),
    Key(("Shift-Q",), "next_map", "in review: another map on the left", "Flow", ("left",)),
    Key(("Shift-W",), "next_map", "in review: another map on the right", "Flow", ("right",)),
    Key(("Shift-A",), "take_over", "in review: take the left map over as your own", "Flow"),
    Key(("?", "Shift-/"), "help", "this help", "Flow"),
)


def _zone(
    keys: tuple[str, ...],
    verb: str,
    text: str,
    *arguments: object,
    group: str = "Zones",
    like_napari: bool = False,
) -> Key:
    return Key(keys, verb, text, group, arguments, like_napari=like_napari, at_reference=True)


ZONE_KEYS: tuple[Key, ...] = (
    _zone(("P", "2"), "take_mode", "set a block to the zone in hand", "set", like_napari=True),
    _zone(("A",), "take_mode", "make it lighter or darker by the stops in hand", "shift"),
    _zone(("E", "1"), "take_mode", "eraser: back to the reference as built", "erase", like_napari=True),
    _zone(("S",), "take", "by blocks; drag over several", "block"),
    _zone(("H",), "take", "by a free brush", "brush"),
    _zone(("L", "5"), "take", "pick the zone", "picker", like_napari=True),
    _zone(("Z", "6"), "take", "move the view", "pan", like_napari=True),
    _zone(("U",), "set_here", "set the block under the cursor to the zone in hand"),
    _zone((";",), "shift_here", "the block under the cursor darker by a third of a stop", -1),
    _zone(("'",), "shift_here", "the block under the cursor lighter by a third of a stop", 1),
    _zone(("-",), "nudge", "zone or stops in hand down by a third", -1, like_napari=True),
    _zone(("=",), "nudge", "zone or stops in hand up by a third", 1, like_napari=True),
    _zone(("9",), "nudge", "zone or stops in hand down by one", -3),
    _zone(("0",), "nudge", "zone or stops in hand up by one", 3),
    _zone(("X",), "swap_zone", "swap the zone with V", like_napari=True),
    _zone(("Shift-X",), "turn", "lighter becomes darker"),
    _zone(("[",), "size", "smaller blocks, or brush", -1, like_napari=True),
    _zone(("]",), "size", "larger blocks, or brush", 1, like_napari=True),
    _zone(("/",), "soften", "softer edge, and hard again"),
    _zone(("O",), "toggle_zones", "zones of the blocks, 0 to X", group="View"),
    _zone(("Y",), "toggle_built", "the reference as built", group="View"),
)
"""What keys mean at a reference that mean something else at an exposure."""

EXPOSURE_ONLY = (
    "take_brush", "take", "size", "nudge", "swap_value", "negate_value", "strengthen", "soften", "jump", "accept_here",
    "toggle_highlights", "range_here", "reject_here", "accept_all", "carry", "toggle_preview", "home_level",
)  # fmt: skip
"""Verbs that mean nothing at a reference."""

_AT_REFERENCE: dict[str, str | dict[object, str]] = {
    "cycle_picture": "reference, exposure beside it, reference as built",
    "compare": {"wipe": "wipe (Shift moves it)", "side by side": "side by side"},
    "toggle": {"outlines": "outlines of the blocks", "clipping": "hatch where light is lost"},
    "other_level": {-1: "put a darker level beside it", 1: "put a brighter level beside it"},
}


NAPARI = (
    ("V", "show or hide the residual"),
    ("wheel", "zoom"),
    ("Ctrl+R", "fit the picture into the window"),
)


def shown(key: str) -> str:
    """Return a key as people write it."""
    return key.replace("Control-", "Ctrl+").replace("Shift-", "Shift+").replace("Alt-", "Alt+")


def key_for(name: str, *, at_reference: bool) -> Key | None:
    """Return what a key means at an exposure, or at a reference; None where it means nothing there."""
    if at_reference:
        for key in ZONE_KEYS:
            if name in key.keys:
                return key
    found = next((key for key in KEYS if name in key.keys), None)
    return None if at_reference and found is not None and found.verb in EXPOSURE_ONLY else found


def keys_at(*, at_reference: bool) -> list[Key]:
    """Return every key that means something, each once, with what it says there."""
    if not at_reference:
        return list(KEYS)
    taken = {name for key in ZONE_KEYS for name in key.keys}
    rest = [key for key in KEYS if key.verb not in EXPOSURE_ONLY and not taken & set(key.keys)]
    return [*ZONE_KEYS, *(replace(key, text=_text_at_reference(key)) for key in rest)]


def help_groups(*, at_reference: bool = False) -> dict[str, list[tuple[str, str]]]:
    """Return the help: by group, keys and what they do."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for key in keys_at(at_reference=at_reference):
        names = " or ".join(
            dict.fromkeys(shown(k) for k in key.keys if k not in ("Control-Return", "Shift-/"))
        )
        groups.setdefault(key.group, []).append((names, key.text))
    groups["View"] += list(NAPARI)
    return groups


def help_text(*, at_reference: bool = False) -> str:
    """Return the help as plain text."""
    lines = []
    for group, rows in help_groups(at_reference=at_reference).items():
        lines += [group, *(f"  {keys:<14} {text}" for keys, text in rows), ""]
    return "\n".join(lines)


def _text_at_reference(key: Key) -> str:
    said = _AT_REFERENCE.get(key.verb, key.text)
    return said if isinstance(said, str) else said.get(key.arguments[0], key.text)
