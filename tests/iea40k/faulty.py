"""What goes wrong in decoders, for real: called in a process of its own by `test_isolation`."""

import os
import signal

import numpy as np


def echo(value):
    return value, os.getpid()


def hang():
    while True:
        pass


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def grow():
    return float(np.ones(10**9).sum())


def refuse():
    raise ValueError("no")


def chatter():
    os.write(1, b"libraries print\n")
    return 5


def complain(words: bytes) -> None:
    """Say something on standard error as a library in C does."""
    os.write(2, words)
