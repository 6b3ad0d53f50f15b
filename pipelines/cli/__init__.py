"""The command line: one program, `iea40k`."""

from pipelines.cli.app import main

__all__ = ["main"]
