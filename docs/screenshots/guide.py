"""The pictures of docs/annotator.md beside the first: the light theme, propagating, zones."""

from pathlib import Path

from screenshots.window import Window, work

SMALL = (1366, 768)


def guide(folder: Path) -> None:
    """Work the window for the guide's pictures; see `work`."""
    work(Guide, folder)


class Guide(Window):
    """The window on a small screen."""

    size = SMALL

    def walk(self) -> None:
        """Take the three pictures."""
        self.viewer.theme = "light"
        self.settle(1)
        self.picture("annotator-light")
        self.viewer.theme = "dark"
        self.key("J")
        self.key("U")
        self.key("Escape")
        self.when_asked("propagate", "Escape")
        self.key("Ctrl+L")
        assert "propagate" in self.asked, "nothing was asked"
        for _ in range(2):
            self.key("Ctrl+B" if not self.annotator.session.work.standing else "Ctrl+Enter")
            self.settle(1)
        assert self.annotator.session.reference is not None, "the queue brought no reference"
        for _ in range(3):
            self.key("=")
        for at in ((120, 60), (200, 330)):
            self.drag(at, (at[0], at[1] + 1))
        assert self.annotator.session.work.standing == 2, "no block was set"
        self.key("O")
        self.picture("zones")
