"""Every action of the window: one table, from which keys are bound and buttons, menu and page of keys are made.

Where napari has a key for its own brush, ours does the same thing with the residual: P, E, F, L, Z, 1, 2, 4, 5, 6,
brackets, - and =, X, Space, Ctrl+Z. V, Ctrl+R and the other keys of napari stay napari's.
"""

from dataclasses import replace

from annotator.action import (
    EXPOSURES,
    REFERENCES,
    Action,
    Part,
    beside,
    brush,
    check,
    compare,
    flow,
    number,
    picture,
    stroke,
    suggestion,
    tool,
    view,
    zone_mode,
    zone_number,
    zone_tool,
)
from annotator.session.comparison import OWN
from annotator.session.controller import Controller
from annotator.session.review import Review
from annotator.shared.keys import shown
from annotator.shared.language import marked, tr
from annotator.shared.work import BASE, CONSENSUS
from annotator.target import Kind


def _judged_or_changed(c: Controller) -> bool:
    """Whether there is work that may be changed or judged."""
    return c.session.work is not None and (c.canvas.paintable or c.session.role == "review")


def _annotating(c: Controller) -> bool:
    return c.session.role == "annotate"


def _painting(c: Controller) -> bool:
    return c.may_use_tools


def _submit_words(c: Controller) -> str:
    if c.session.work is None:
        return tr("Next")
    if c.session.adjudicating:
        return _settle_words(c.comparison.left)
    if isinstance(c.session, Review):
        # Whose maps it is: what one press accepts must be seen before it.
        return tr(
            "Accept {people}", people=", ".join(c.session.judged(c.comparison.person())) or tr("nothing")
        )
    return tr("Submit") if c.session.role == "annotate" else tr("Next image")


def _settle_words(left: str) -> str:
    said = {
        OWN: tr("Settle: as I drew it"),
        CONSENSUS: tr("Settle: the consensus is right"),
        BASE: tr("Settle: the base is right"),
    }
    return said.get(left) or tr("Settle: as {person} drew it", person=left)


def _returning(c: Controller) -> bool:
    return c.session.role == "review" and not c.session.adjudicating


# fmt: off
ACTIONS: tuple[Action, ...] = (
    # Tools at exposures
    brush("set", "P 2", "Set", "brush: set the value"),
    brush("add", "A", "Add", "brush: add (dodge and burn)"),
    brush("scale", "K", "Scale", "brush: scale towards zero"),
    brush("smooth", "H", "Smooth", "brush: smooth"),
    brush("erase", "E 1", "Erase", "eraser: back to the base"),
    brush("negate", "Shift-N", "Negate", "brush: turn the residual's sign"),
    tool("clone", "Shift-P", "Clone", "clone from elsewhere; a right click says where"),
    tool("gradient", "Shift-D", "Gradient", "gradient: what the brush does, over a drag"),
    tool("fill", "F 4", "Fill", "fill a similar region"),
    tool("superpixel", "S", "Superpixel", "fill a superpixel"),
    tool("range", "R", "Range", "fill a range of the residual"),
    tool("sign", "Shift-F", "Turn sign", "turn the sign of a region that has one"),
    tool("light source", "G", "Light", "light source or logo: flood it"),
    tool("outlier", "O", "Repair", "repair a proposed region"),
    tool("measure", "Shift-I", "Measure", "say what a region is like: drag a box, or click"),
    replace(tool("picker", "L 5", "Pick", "pick the value; the tool in use comes back"),
            call=lambda c: c.residual.adjust(lambda t: t.picking())),
    Action("clone here", "Shift-O", "clone from what is under the cursor", lambda c: c.residual.clone_here(), "Tools",
           EXPOSURES),
    tool("pan", "Z 6", "Move", "move the view"),
    number("smaller", "[", "smaller brush, or reach of the tool", lambda t: t.resized(-1)),
    number("larger", "]", "larger brush, or reach of the tool", lambda t: t.resized(1)),
    number("value down", "-", "value down by 1/255", lambda t: t.nudged(-1 / 255)),
    number("value up", "=", "value up by 1/255", lambda t: t.nudged(1 / 255)),
    number("value far down", "9", "value down by 0.05", lambda t: t.nudged(-0.05)),
    number("value far up", "0", "value up by 0.05", lambda t: t.nudged(0.05)),
    number("swap", "X", "swap the value with 0", lambda t: t.swapped()),
    number("other sign", "Shift-X", "turn the value's sign", lambda t: t.negated()),
    number("weaker", ";", "weaker brush", lambda t: t.strengthened(-0.1)),
    number("stronger", "'", "stronger brush", lambda t: t.strengthened(0.1)),
    number("softer", "/", "hard, half or fully feathered edge", lambda t: t.softened()),
    Action("highlights", "Shift-H", "only highlights, or all lumas",
           lambda c: c.residual.adjust(lambda t: t.highlights_only()), "Brush", EXPOSURES,
           part="limits", words="luma limits", checked=lambda c: c.residual.tools.limited),
    Action("range here", "Shift-R", "range around the residual under the cursor",
           lambda c: c.residual.range_here(), "Brush", EXPOSURES),
    Action("edges", "Shift-B", "brush and clone stop at edges, or not",
           lambda c: c.target.set_tools(edges=not c.target.tools.edges), "Brush", EXPOSURES,
           part="limits", words="stop at edges", checked=lambda c: c.target.tools.edges),
    Action("pen", "8", "a pen's pressure is the strength, or not",
           lambda c: c.target.set_tools(pen=not c.target.tools.pen), "Brush", EXPOSURES,
           part="limits", words="pen presses", checked=lambda c: c.target.tools.pen),
    suggestion("next", "J", "look at the next proposal, before and after", lambda c: c.residual.proposing.jump(1)),
    suggestion("previous", "Shift-J", "look at the one before", lambda c: c.residual.proposing.jump(-1)),
    suggestion("take", "U", "take it: repair what is looked at, or is under the cursor",
               lambda c: c.residual.proposing.take(c.cursor)),
    suggestion("refuse", "Shift-U", "refuse it: it is right as it is", lambda c: c.residual.proposing.refuse(c.cursor)),
    suggestion("all of a kind", "Control-J", "all of one kind as a preview; again: the next kind",
               lambda c: c.residual.proposing.preview_kind()),
    suggestion("do it", "Enter Return", "do what the preview shows", lambda c: c.residual.proposing.do_it()),
    # Tools at references
    zone_mode("set", "P 2", "Set zone", "set a block to the zone in use"),
    replace(zone_mode("shift", "A", "Lighter", "make it lighter or darker by the stops in use"),
            say=lambda c: tr("Lighter") if c.reference.tools.stops > 0 else tr("Darker")),
    zone_mode("erase", "E 1", "Erase", "eraser: back to the reference as built"),
    zone_tool("block", "S", "Blocks", "by blocks; drag over several"),
    zone_tool("brush", "H", "Brush", "by a free brush"),
    zone_tool("gradient", "Shift-D", "Gradient", "by a gradient, over a drag"),
    zone_tool("measure", "Shift-I", "Measure", "say what a region is like: drag a box, or click a block"),
    replace(zone_tool("picker", "L 5", "Pick", "pick the zone; the tool in use comes back"),
            call=lambda c: c.reference.adjust(lambda t: t.picking())),
    zone_tool("pan", "Z 6", "Move", "move the view"),
    Action("zone edges", "Shift-B", "the free brush stops at edges, or not",
           lambda c: c.target.set_tools(edges=not c.target.tools.edges), "Zones", REFERENCES,
           part="limits", words="stop at edges", checked=lambda c: c.target.tools.edges),
    Action("zone pen", "8", "a pen's pressure is the free brush's strength, or not",
           lambda c: c.target.set_tools(pen=not c.target.tools.pen), "Zones", REFERENCES,
           part="limits", words="pen presses", checked=lambda c: c.target.tools.pen),
    Action("set here", "U", "set the block under the cursor to the zone in use",
           lambda c: c.reference.set_here(), "Zones", REFERENCES),
    Action("darker here", ";", "the block under the cursor darker by a third of a stop",
           lambda c: c.reference.shift_here(-1), "Zones", REFERENCES),
    Action("lighter here", "'", "the block under the cursor lighter by a third of a stop",
           lambda c: c.reference.shift_here(1), "Zones", REFERENCES),
    zone_number("zone down", "-", "zone or stops in use down by a third", lambda t: t.nudged(-1)),
    zone_number("zone up", "=", "zone or stops in use up by a third", lambda t: t.nudged(1)),
    zone_number("zone far down", "9", "zone or stops in use down by one", lambda t: t.nudged(-3)),
    zone_number("zone far up", "0", "zone or stops in use up by one", lambda t: t.nudged(3)),
    zone_number("swap zone", "X", "swap the zone with V", lambda t: t.swapped()),
    zone_number("turn round", "Shift-X", "lighter becomes darker", lambda t: t.negated()),
    zone_number("smaller blocks", "[", "smaller blocks, or brush", lambda t: t.resized(-1)),
    zone_number("larger blocks", "]", "larger blocks, or brush", lambda t: t.resized(1)),
    zone_number("softer edge", "/", "softer edge, and hard again", lambda t: t.softened()),
    # Strokes
    stroke("undo", "Control-Z", "undo", lambda c: c.target.undo(),
           part="edit", words="Undo", shown=_painting, enabled=_judged_or_changed),
    stroke("redo", "Control-Shift-Z", "redo", lambda c: c.target.redo(),
           part="edit", words="Redo", shown=_painting, enabled=_judged_or_changed),
    stroke("propagate", "Control-L", "propagate to the other levels", lambda c: c.residual.propagate(), on=EXPOSURES,
           part="edit", words="Propagate…", shown=_painting, enabled=_judged_or_changed),
    stroke("cancel", "Escape", "drop the stroke in the making", lambda c: c.target.cancel()),
    stroke("clear", "Shift-E", "the whole image back to its base", lambda c: c.clear()),
    stroke("adopt stale", "Shift-S", "draw stale strokes again", lambda c: c.adopt_stale(),
           part="foot", words="Draw stale strokes again",
           shown=lambda c: c.session.work is not None and len(c.session.work.stale) > 0),
    # View
    view("hold to pan", "Space", "hold: move the view with the mouse", lambda c: c.hold(pan=True),
         let_go=lambda c: c.hold(pan=False)),
    view("peek", "Q", "hold: hide everything over the picture", lambda c: c.hold(peek=True),
         let_go=lambda c: c.hold(peek=False)),
    view("blink", "N", "hold: show the other picture", lambda c: c.hold(blink=True),
         let_go=lambda c: c.hold(blink=False)),
    view("next picture", "C", "exposure, reference, preview",
         lambda c: c.target.see(lambda d: d.next_picture()), on=EXPOSURES),
    view("next reference picture", "C", "reference, exposure beside it, reference as built",
         lambda c: c.target.see(lambda d: d.next_picture()), on=REFERENCES),
    picture("exposure", "Exposure", "the exposure as it is", EXPOSURES),
    picture("reference", "Reference", "the reference", EXPOSURES),
    picture("preview", "Preview", "preview: the exposure, corrected", EXPOSURES, "Y"),
    picture("reference", "Reference", "the reference as edited", REFERENCES),
    picture("exposure", "Exposure", "the exposure of the level beside it", REFERENCES),
    picture("built", "As built", "the reference as built", REFERENCES, "Y"),
    compare("single", "single", "", "Single", "one picture"),
    compare("residual wipe", "wipe", "W", "Wipe", "wipe with the reference (Shift moves it)", EXPOSURES),
    compare("reference wipe", "wipe", "W", "Wipe", "wipe (Shift moves it)", REFERENCES),
    compare("side by side", "side by side", "D", "Beside", "side by side"),
    beside("exposure", "Exposure", EXPOSURES),
    beside("reference", "Reference", EXPOSURES),
    beside("preview", "Preview", EXPOSURES),
    beside("reference", "Reference", REFERENCES),
    beside("exposure", "Exposure", REFERENCES),
    beside("built", "As built", REFERENCES),
    check("zones", "O", "zones", "zones of the blocks, 0 to X",
          lambda c: c.reference.display.zones, "zones", REFERENCES),
    check("overlay", "", "residual  V", "show or hide the residual", lambda c: c.target.display.overlay, "overlay"),
    check("suggestions", "T", "suggestions", "outlines of what is proposed",
          lambda c: c.target.display.outlines, "outlines", EXPOSURES),
    check("blocks", "T", "blocks", "outlines of the blocks",
          lambda c: c.target.display.outlines, "outlines", REFERENCES),
    check("clipping", "Shift-T", "clipping", "outlines of blown and crushed regions",
          lambda c: c.target.display.clipping, "clipping", EXPOSURES),
    check("lost light", "Shift-T", "lost light", "hatch where light is lost",
          lambda c: c.target.display.clipping, "clipping", REFERENCES),
    check("edits", "Shift-M", "edits", "outlines of what you edited", lambda c: c.target.display.edited, "edited"),
    replace(check("difference", "Shift-Y", "difference", "in review: the left map less the right one",
                  lambda c: c.target.display.difference, "difference"), shown=lambda c: c.comparing),
    view("actual size", "Shift-Z", "100 %: one pixel on each of the screen's; again: as before",
         lambda c: c.screen.actual_size(c.cursor)),
    view("loupe", "Shift-L", "loupe: the pixels under the mouse, enlarged", lambda c: c.toggle_loupe(),
         checked=lambda c: c.close),
    view("opacity", "I", "strength of the overlay", lambda c: c.target.see(lambda d: d.next_opacity())),
    view("palette", "Shift-C", "colour-blind-safe colours", lambda c: c.target.see(lambda d: d.next_palette()),
         part="shared", words="colour-blind-safe colours",
         checked=lambda c: c.target.display.palette == "colour-blind-safe"),
    view("darker level", ",", "look at a darker level", lambda c: c.target.other_level(-1), on=EXPOSURES),
    view("brighter level", ".", "look at a brighter level", lambda c: c.target.other_level(1), on=EXPOSURES),
    view("darker beside", ",", "put a darker level beside it", lambda c: c.target.other_level(-1), on=REFERENCES),
    view("brighter beside", ".", "put a brighter level beside it", lambda c: c.target.other_level(1), on=REFERENCES),
    view("home level", "`", "back to the level under work",
         lambda c: c.residual.go_level(c.residual.home), on=EXPOSURES),
    # Flow
    flow("submit", "Control-Enter Control-Return", "submit and open the next", lambda c: c.flow.submit(),
         part="foot", words="Submit", say=_submit_words),
    flow("base is right", "Control-B", "submit: the base is right", lambda c: c.flow.base_is_right(),
         part="verdict", words="Base is right", shown=_annotating, enabled=_judged_or_changed),
    flow("recall", "Shift-K", "take back what you handed in, until somebody reviews it",
         lambda c: c.flow.recall(),
         part="verdict", words="Recall…", shown=_annotating),
    flow("skip", "Control-K", "skip, with a reason", lambda c: c.flow.skip(),
         part="verdict", words="Skip…", say=lambda c: tr("Return…") if _returning(c) else tr("Skip…"),
         shown=lambda c: c.session.role != "read only", enabled=_judged_or_changed),
    flow("flag", "Control-I", "tell the curator something", lambda c: c.flow.flag(),
         part="verdict", words="Tell curator…", shown=_annotating, enabled=_judged_or_changed),
    flow("next image", "PageDown", "in review and read-only: the next image", lambda c: c.flow.step(1)),
    flow("previous image", "PageUp", "in review and read-only: the one before", lambda c: c.flow.step(-1)),
    flow("abandon", "Shift-G", "go on after a lease was lost", lambda c: c.flow.abandon(),
         part="foot", words="Go on without this image", shown=lambda c: c.session.lost),
    flow("next left", "Shift-Q", "in review: another map on the left", lambda c: c.flow.next_version("left")),
    flow("next right", "Shift-W", "in review: another map on the right", lambda c: c.flow.next_version("right")),
    flow("take over", "Shift-A", "in review: take the left map over as your own", lambda c: c.flow.take_over(),
         part="maps", words="Take the left map over", shown=lambda c: c.comparing),
    view("larger text", "Alt-.", "larger text", lambda c: c.view.text_size(1)),
    view("smaller text", "Alt-,", "smaller text", lambda c: c.view.text_size(-1)),
    view("language", "Alt-L", "language of the window's texts", lambda c: c.choose_language()),
    flow("help", "? Shift-/", "this help", lambda c: c.view.help(c.target.kind), part="verdict", words="Keys"),
)
# fmt: on

NAPARI = (
    ("V", marked("show or hide the residual")),
    (marked("right click"), marked("pick the value or zone there; with clone, where it takes from")),
    (marked("wheel"), marked("zoom")),
    (shown("Control-R"), marked("fit the picture into the window")),
)


def available(kind: Kind) -> list[Action]:
    """Return the actions at exposures, or those at references."""
    return [action for action in ACTIONS if kind in action.on]


def in_part(part: Part, kind: Kind | None = None) -> list[Action]:
    """Return the actions with a button in a part of the window; with `kind`, those at exposures or at references."""
    return [action for action in ACTIONS if action.part == part and (kind is None or kind in action.on)]


def run(controller: Controller, action: Action, *, held: bool | None = None) -> None:
    """Do an action, unless long work is under way. `held`: its key went down (True) or up (False)."""
    if held is False:
        if action.let_go is not None:
            action.let_go(controller)
    elif not controller.busy:
        action.call(controller)


def press(controller: Controller, key: str, *, held: bool | None = None) -> None:
    """Do what a key means just now: at a reference some mean something else."""
    kind = controller.target.kind
    action = next((a for a in available(kind) if key in a.names), None)
    if action is not None:
        run(controller, action, held=held)
    elif held is not False and not controller.busy:
        where = (
            tr("{key}: not available for exposures.", key=shown(key))
            if kind == "residual"
            else tr("{key}: not available for references.", key=shown(key))
        )
        controller.tell("info", where)


def bound_keys() -> dict[str, bool]:
    """Return every key that is bound, with whether it is held."""
    return {key: action.let_go is not None for action in ACTIONS for key in action.names}


def help_groups(kind: Kind) -> dict[str, list[tuple[str, str]]]:
    """Return the page of keys: by group, keys and what they do."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in available(kind):
        if action.keys:
            groups.setdefault(action.group, []).append((tr(" or ").join(action.key_words), tr(action.text)))
    groups["View"] += [(tr(keys), tr(text)) for keys, text in NAPARI]
    return groups


def help_text(kind: Kind) -> str:
    """Return the page of keys as plain text."""
    lines = []
    for group, rows in help_groups(kind).items():
        lines += [tr(group), *(f"  {keys:<14} {text}" for keys, text in rows), ""]
    return "\n".join(lines)
