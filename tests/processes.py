"""Processes that a test finds by what they run."""

import contextlib

import psutil


def children_that_run(words: str, of: psutil.Process | None = None) -> list[psutil.Process]:
    """Return the living children of `of`, or of this process, whose command line holds `words`."""
    found = []
    with contextlib.suppress(psutil.Error):  # it ended meanwhile
        for child in (of or psutil.Process()).children():
            with contextlib.suppress(psutil.Error):
                if words in " ".join(child.cmdline()):
                    found.append(child)
    return found
