#!/bin/sh
# The whole test suite: everything that needs no screen, in parallel; then the real window on a virtual screen.
set -eu
BIN=$1
WORKERS=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
[ "$WORKERS" -gt 4 ] && WORKERS=4
# Torch and OpenCV would start a thread for every core in every worker.
export OMP_NUM_THREADS=1
QT_QPA_PLATFORM=offscreen "$BIN/python" -m pytest -q -n "$WORKERS" --dist loadfile -m "not screen"
if command -v xvfb-run >/dev/null 2>&1; then
    xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX" "$BIN/python" -m pytest -q -m screen
else
    echo "SKIPPED: the tests of the real window need a virtual screen; to install it: sudo apt-get install -y xvfb xauth"
fi
