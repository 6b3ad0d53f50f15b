"""How the work goes: active time without pauses, images an hour, and the target."""

from dataclasses import dataclass

from annotator.shared.language import tr

IDLE_SECONDS = 60.0
"""A gap between two actions that is longer than this is a pause, and does not count at all."""


class Clock:
    """Adds up the time between actions on one image, pauses left out. Times are seconds of any steady clock."""

    def __init__(self, now: float, active: float = 0.0) -> None:
        self.active = active
        self._last = now

    def action(self, now: float) -> None:
        """Say that the person did something."""
        gap = now - self._last
        if 0 < gap <= IDLE_SECONDS:
            self.active += gap
        self._last = now


@dataclass(frozen=True)
class Pace:
    """A session so far: images handed in, and active seconds over them; `target` in images an hour, 0 = none."""

    done: int = 0
    active_seconds: float = 0.0
    target: float = 0.0

    def plus(self, seconds: float) -> "Pace":
        """Return the pace after one more image."""
        return Pace(self.done + 1, self.active_seconds + seconds, self.target)

    @property
    def per_hour(self) -> float | None:
        """Images an hour of active time; None before there is enough to tell."""
        return self.done * 3600 / self.active_seconds if self.done and self.active_seconds >= 1 else None

    def text(self, remaining: int | None) -> str:
        """Return the pace in words."""
        parts = [tr("{count} done", count=self.done)] if self.done else []
        if remaining is not None:
            parts.append(tr("{count} to go", count=remaining))
        if self.per_hour is not None:
            parts.append(
                tr("{pace} an hour (target {target})", pace=f"{self.per_hour:.0f}", target=f"{self.target:g}")
                if self.target
                else tr("{pace} an hour", pace=f"{self.per_hour:.0f}")
            )
        elif self.target:
            parts.append(tr("target {target} an hour", target=f"{self.target:g}"))
        return " · ".join(parts)
