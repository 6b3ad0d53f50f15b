"""Loaded by each worker of this machine as it starts: Ctrl-C reaches every process; the one that was called decides."""

import signal
import threading

if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
