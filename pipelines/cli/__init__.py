"""The command line: one program, `iea40k`."""

from pipelines.cli.program import main

__all__ = ["main"]
