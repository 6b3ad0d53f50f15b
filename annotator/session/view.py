"""What a window must be able to do for the controller; tests have a view without a display."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from annotator.residual.propagation import PropagationPlan
from annotator.session.panel import Panel
from annotator.session.practice_score import Score
from annotator.shared.progress import Step
from annotator.shared.statistics import Statistics
from annotator.target import Kind, Told
from iea40k.arrays import EncodedRGB


class View(Protocol):
    """The window's half of the controller."""

    def show(self, panel: Panel) -> None:
        """Show the panel."""

    def read(self, text: str) -> None:
        """Show what the pixel under the cursor says."""

    def notify(self, kind: Told, text: str) -> None:
        """Tell something. May be called from any thread."""

    def ask(self, title: str, question: str, reasons: Sequence[str] = ()) -> str | None:
        """Ask for words, of which some usual ones are offered; None where the person changed their mind."""

    def choose(self, title: str, question: str, options: Sequence[str]) -> int | None:
        """Let the person choose one of some options; return its place, None where they changed their mind."""

    def dismiss(self) -> None:
        """Take away what was told: it was about an image that is left."""

    def confirm(self, title: str, question: str) -> bool:
        """Ask yes or no."""

    def help(self, kind: Kind) -> None:
        """Show the keys, those at an exposure or those at a reference."""

    def measured(self, found: Statistics) -> None:
        """Show what a region is like."""

    def scored(self, score: Score) -> None:
        """Show how well a practice image was repaired."""

    def loupe(self, picture: EncodedRGB | None) -> None:
        """Show the pixels under the mouse, enlarged; None: no more."""

    def text_size(self, step: int) -> None:
        """Make every text larger or smaller by points."""

    def progress(self, text: str, total: int) -> AbstractContextManager[Step]:
        """Show how far long work is; see `annotator.shared.progress`."""

    def preview(self, plan: PropagationPlan) -> PropagationPlan | None:
        """Show what a propagation would do; return it as decided, None where the person changed their mind."""
