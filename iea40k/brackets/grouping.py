"""Captures of a mixed folder, grouped into scenes by what their cameras wrote, and by what they show."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from iea40k.capture import Capture, relative_evs

Reason = str

Alike = Callable[[Capture, Capture], bool]
"""Whether two captures show the same from the same place, whatever their exposures. May read both files."""


@dataclass(frozen=True)
class GroupingRules:
    """When a capture belongs to the one before it.

    - `pause`: seconds between the end of one capture and the start of the next, for a camera's own bracketing
    - `manual_pause`: the same where the photographer sets each exposure by hand (EXIF ExposureMode 1)
    - `alike_pause`: the same where both show the same picture
    - `same`: exposures closer than this many stops count as a repetition, which starts the next bracket
    - `least`, `most`: captures of a scene; more that nothing tells apart are no bracket
    """

    pause: float = 4.0
    manual_pause: float = 300.0
    alike_pause: float = 120.0
    same: float = 0.1
    least: int = 2
    most: int = 32


@dataclass
class Grouped:
    """Scenes found, and captures left out with the reason."""

    scenes: list[tuple[Capture, ...]] = field(default_factory=list)
    left_out: list[tuple[Capture, Reason]] = field(default_factory=list)


def group(
    captures: Iterable[Capture], rules: GroupingRules | None = None, alike: Alike | None = None
) -> Grouped:
    """Group captures into brackets, folder by folder.

    Within a folder, captures follow each other in time (then by name). One belongs to the bracket before it when
    camera, size, focal length and mode are the same, its exposure is new to the bracket, and the pause is short; or
    longer, where it shows the same (`alike`). Where no capture of a folder states an exposure time, those that show the
    same are a scene; without `alike`, or where one scene is all that is found, the folder is one scene.
    """
    rules = rules or GroupingRules()
    result = Grouped()
    folders: dict[str, list[Capture]] = {}
    for capture in captures:
        folders.setdefault(str(capture.path.parent), []).append(capture)
    for _, inside in sorted(folders.items()):
        _group_folder(sorted(inside, key=_order), rules, alike, result)
    return result


def goes_with(bracket: Sequence[Capture], capture: Capture, rules: GroupingRules) -> bool:
    """Return whether a capture may go on with a bracket, but for the pause: same camera, new exposure."""
    last = bracket[-1]
    for name in ("make", "model", "size", "focal_length", "mode"):
        if getattr(last, name) != getattr(capture, name):
            return False
    evs = relative_evs((*bracket, capture))
    return evs is not None and all(abs(ev - evs[-1]) >= rules.same for ev in evs[:-1])


def follows(
    bracket: Sequence[Capture], capture: Capture, rules: GroupingRules, alike: Alike | None = None
) -> bool:
    """Return whether a capture goes on with a bracket."""
    if not goes_with(bracket, capture, rules):
        return False
    pause = _pause(bracket[-1], capture)
    if pause <= (rules.manual_pause if capture.mode == "manual" else rules.pause):
        return True
    return alike is not None and pause <= rules.alike_pause and alike(bracket[-1], capture)


def _group_folder(
    captures: list[Capture], rules: GroupingRules, alike: Alike | None, result: Grouped
) -> None:
    silent = [c for c in captures if c.exposure_time is None]
    if len(silent) == len(captures):
        _group_silent(captures, rules, alike, result)
        return
    result.left_out += [
        (c, "its exposure time is not stated; a table of captures may state it") for c in silent
    ]
    bracket: list[Capture] = []
    before: Capture | None = None
    for capture in (c for c in captures if c.exposure_time is not None):
        if bracket and not follows(bracket, capture, rules, alike):
            _close(bracket, rules, result, _hint(before, bracket, capture, rules, alike))
            before, bracket = bracket[-1], []
        bracket.append(capture)
    _close(bracket, rules, result, _hint(before, bracket, None, rules, alike))


def _hint(
    before: Capture | None,
    bracket: Sequence[Capture],
    after: Capture | None,
    rules: GroupingRules,
    alike: Alike | None,
) -> Reason:
    """Return why a capture stands alone, and the option that takes it in where the pause is all that parts them."""
    pauses = []
    if before is not None and goes_with([before], bracket[0], rules):
        pauses.append(_pause(before, bracket[0]))
    if after is not None and goes_with(bracket, after, rules):
        pauses.append(_pause(bracket[-1], after))
    if not pauses:
        return "no bracket: no other exposure of it was taken right before or after"
    option = "--manual-pause" if bracket[0].mode == "manual" else "--pause"
    nearest, seconds = min(pauses), math.ceil(min(pauses))
    said = f"no bracket: the nearest other exposure was taken {nearest:.0f} s apart"
    if alike is not None and nearest <= rules.alike_pause:
        return f"{said} and does not show the same; {option} {seconds} takes both together all the same"
    return (
        f"{said}, too long to ask whether both show the same; --alike-pause {seconds} asks, "
        f"{option} {seconds} takes both together in any case"
    )


def _group_silent(
    captures: list[Capture], rules: GroupingRules, alike: Alike | None, result: Grouped
) -> None:
    groups = (
        _by_likeness(captures, alike) if alike is not None and len(captures) > rules.least else [captures]
    )
    scenes = [g for g in groups if len(g) >= rules.least]
    if len(scenes) < 2 and len(captures) <= rules.most:
        # One scene, or nothing that looks alike (very dark and very bright frames): alignment will tell.
        _close(captures, rules, result, "alone in its folder, and it does not state its exposure")
        return
    for found in groups:
        if len(found) > rules.most:
            reason = f"{len(found)} captures look alike and none states its exposure; make a table of them"
            result.left_out += [(c, reason) for c in found]
        else:
            _close(
                found,
                rules,
                result,
                "no other capture of the folder shows the same; a table may say otherwise",
            )


def _by_likeness(captures: list[Capture], alike: Alike) -> list[list[Capture]]:
    """Return captures parted into those that show the same, in the order of their first; each is compared with few."""
    groups: list[list[Capture]] = []
    for capture in captures:
        # The latest group first, and its latest captures: exposures of one scene follow each other by name.
        for found in reversed(groups):
            if any(alike(other, capture) for other in (*found[:-3:-1], found[0])):
                found.append(capture)
                break
        else:
            groups.append([capture])
    return groups


def _close(bracket: list[Capture], rules: GroupingRules, result: Grouped, why_alone: Reason) -> None:
    if len(bracket) >= rules.least:
        result.scenes.append(tuple(bracket))
    elif bracket:
        result.left_out += [(c, why_alone) for c in bracket]


def _order(capture: Capture) -> tuple[datetime, str]:
    return capture.taken_at or datetime.min, capture.path.name


def _pause(last: Capture, capture: Capture) -> float:
    if last.taken_at is None or capture.taken_at is None:
        return 0.0
    # Some cameras stamp the start of an exposure and some its end: the longer exposure is not part of the pause.
    exposing = timedelta(seconds=max(last.exposure_time or 0, capture.exposure_time or 0))
    return max((capture.taken_at - last.taken_at - exposing).total_seconds(), 0.0)
