"""Captures of a mixed folder, grouped into scenes by what their cameras wrote."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from iea40k.capture import Capture, relative_evs

Reason = str


@dataclass(frozen=True)
class GroupingRules:
    """When a capture belongs to the one before it.

    - `pause`: seconds between the end of one capture and the start of the next, for a camera's own bracketing
    - `manual_pause`: the same where the photographer sets each exposure by hand (EXIF ExposureMode 1)
    - `same`: exposures closer than this many stops count as a repetition, which starts the next bracket
    - `least`, `most`: captures of a scene; more in a folder without any exposure data are no bracket
    """

    pause: float = 4.0
    manual_pause: float = 300.0
    same: float = 0.1
    least: int = 2
    most: int = 32


@dataclass
class Grouped:
    """Scenes found, and captures left out with the reason."""

    scenes: list[tuple[Capture, ...]] = field(default_factory=list)
    left_out: list[tuple[Capture, Reason]] = field(default_factory=list)


def group(captures: Iterable[Capture], rules: GroupingRules | None = None) -> Grouped:
    """Group captures into brackets, folder by folder.

    Within a folder, captures follow each other in time (then by name). One belongs to the bracket before it when
    camera, size, focal length and mode are the same, the pause is short, and its exposure is new to the bracket. A
    folder in which no capture states an exposure time is one scene, in the order of its names.
    """
    rules = rules or GroupingRules()
    result = Grouped()
    folders: dict[str, list[Capture]] = {}
    for capture in captures:
        folders.setdefault(str(capture.path.parent), []).append(capture)
    for _, inside in sorted(folders.items()):
        _group_folder(sorted(inside, key=_order), rules, result)
    return result


def follows(bracket: Sequence[Capture], capture: Capture, rules: GroupingRules) -> bool:
    """Return whether a capture goes on with a bracket."""
    last = bracket[-1]
    for name in ("make", "model", "size", "focal_length", "mode"):
        if getattr(last, name) != getattr(capture, name):
            return False
    if _pause(last, capture) > (rules.manual_pause if capture.mode == "manual" else rules.pause):
        return False
    evs = relative_evs((*bracket, capture))
    return evs is not None and all(abs(ev - evs[-1]) >= rules.same for ev in evs[:-1])


def _group_folder(captures: list[Capture], rules: GroupingRules, result: Grouped) -> None:
    silent = [c for c in captures if c.exposure_time is None]
    if len(silent) == len(captures):
        _take_folder(captures, rules, result)
        return
    result.left_out += [(c, "its exposure time is not stated") for c in silent]
    bracket: list[Capture] = []
    for capture in (c for c in captures if c.exposure_time is not None):
        if bracket and not follows(bracket, capture, rules):
            _close(bracket, rules, result)
            bracket = []
        bracket.append(capture)
    _close(bracket, rules, result)


def _take_folder(captures: list[Capture], rules: GroupingRules, result: Grouped) -> None:
    if len(captures) > rules.most:
        reason = f"{len(captures)} captures in one folder and none states its exposure; make a table of them"
        result.left_out += [(c, reason) for c in captures]
        return
    _close(captures, rules, result)


def _close(bracket: list[Capture], rules: GroupingRules, result: Grouped) -> None:
    if len(bracket) >= rules.least:
        result.scenes.append(tuple(bracket))
    else:
        result.left_out += [
            (c, "no bracket: no other exposure of it was taken right before or after") for c in bracket
        ]


def _order(capture: Capture) -> tuple[datetime, str]:
    return capture.taken_at or datetime.min, capture.path.name


def _pause(last: Capture, capture: Capture) -> float:
    if last.taken_at is None or capture.taken_at is None:
        return 0.0
    # Some cameras stamp the start of an exposure and some its end: the longer exposure is not part of the pause.
    exposing = timedelta(seconds=max(last.exposure_time or 0, capture.exposure_time or 0))
    return max((capture.taken_at - last.taken_at - exposing).total_seconds(), 0.0)
