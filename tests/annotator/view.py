# ruff: noqa: ARG002 - a view must take what it is told
"""A view without a display: it keeps what it was told, and answers what the test put there."""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from annotator.actions import help_text
from annotator.residual.propagation import PropagationPlan
from annotator.session.panel import Panel
from annotator.session.practice_score import Score
from annotator.shared.progress import Step
from annotator.shared.statistics import Statistics
from annotator.target import Kind
from iea40k.arrays import EncodedRGB


class QuietView:
    def __init__(self) -> None:
        self.panel: Panel | None = None
        self.told: list[tuple[str, str]] = []
        self.readout = ""
        self.seen_close: EncodedRGB | None = None
        self.answers: list[object] = []
        self.progressed: list[tuple[str, int, int]] = []

    def show(self, panel: Panel) -> None:
        self.panel = panel

    def read(self, text: str) -> None:
        self.readout = text

    def notify(self, kind: str, text: str) -> None:
        self.told.append((kind, text))

    def ask(self, title: str, question: str, reasons: Sequence[str] = ()) -> str | None:
        answer = self.answers.pop(0)
        assert answer is None or isinstance(answer, str)
        return answer

    def choose(self, title: str, question: str, options: Sequence[str]) -> int | None:
        answer = self.answers.pop(0)
        assert answer is None or isinstance(answer, int)
        return answer

    def dismiss(self) -> None:
        self.told_about_this = len(self.told)

    def text_size(self, step: int) -> None:
        self.told.append(("text size", f"{step:+d}"))

    def confirm(self, title: str, question: str) -> bool:
        return bool(self.answers.pop(0))

    def help(self, kind: Kind) -> None:
        self.told.append(("help", help_text(kind)))

    def measured(self, found: Statistics) -> None:
        self.told.append(("measured", found.text()))

    def scored(self, score: Score) -> None:
        self.told.append(("scored", score.text()))

    def loupe(self, picture: EncodedRGB | None) -> None:
        self.seen_close = picture

    def progress(self, text: str, total: int) -> AbstractContextManager[Step]:
        return counted(self.progressed, text, total)

    def preview(self, plan: PropagationPlan) -> PropagationPlan | None:
        answer = self.answers.pop(0)
        assert answer is None or callable(answer)
        return None if answer is None else answer(plan)


@contextlib.contextmanager
def counted(kept: list[tuple[str, int, int]], text: str, total: int) -> Iterator[Step]:
    """Keep of a progress what it was about, its total, and how far it came."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    yield step
    kept.append((text, total, steps))
