#!/bin/sh
# The whole test suite: first everything that needs no screen, in parallel, then the real window under Xvfb.
set -e
BIN=$1
QT_QPA_PLATFORM=offscreen "$BIN/python" -m pytest -n 2 --dist loadfile -q
