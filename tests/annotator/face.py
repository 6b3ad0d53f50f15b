# ruff: noqa: ARG002 - a face must take what it is told
"""A face without a display: it keeps what it was told, and answers what the test put there."""

from annotator.keys import help_text
from annotator.panel import Panel


class QuietFace:
    def __init__(self) -> None:
        self.panel: Panel | None = None
        self.told: list[tuple[str, str]] = []
        self.readout = ""
        self.answers: list[object] = []

    def show(self, panel: Panel) -> None:
        self.panel = panel

    def read(self, text: str) -> None:
        self.readout = text

    def notify(self, kind: str, text: str) -> None:
        self.told.append((kind, text))

    def ask(self, title: str, question: str) -> str | None:
        answer = self.answers.pop(0)
        assert answer is None or isinstance(answer, str)
        return answer

    def confirm(self, title: str, question: str) -> bool:
        return bool(self.answers.pop(0))

    def choose(self, title: str, question: str, choices: list[str]) -> str | None:
        answer = self.answers.pop(0)
        return choices[answer] if isinstance(answer, int) else None

    def help(self, *, at_reference: bool) -> None:
        self.told.append(("help", help_text(at_reference=at_reference)))

    def busy(self, text: str) -> None:
        self.readout = text
