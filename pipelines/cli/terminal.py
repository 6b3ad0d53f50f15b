"""What every command says and returns: the console for messages, and the exit codes.

Results go to stdout, messages to stderr.
"""

from iea40k.terminal import Terminal

DONE, FAILURES, BAD_USE = 0, 1, 2
"""Exit codes: done; finished with failures that are listed; wrong use or bad input."""

messages = Terminal(stderr=True, soft_wrap=True)
