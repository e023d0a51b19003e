"""A worker process: takes lists of paths on its standard input, answers one Outcome a file.

Started by `segue.data.pool` as a bare interpreter rather than through multiprocessing, which
would run the caller's main module again in each worker, torch and all.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from segue.data.reading import read_piece


def main() -> None:
    """Serve until the other end closes; messages are pickles from the parent process only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a C library prints must not land among the answers
    tasks = sys.stdin.buffer
    root, encoding = pickle.load(tasks)  # noqa: S301 - from our own parent
    pickle.dump("ready", answers)
    answers.flush()
    while True:
        try:
            paths = pickle.load(tasks)  # noqa: S301 - from our own parent
        except EOFError:
            return
        for path in paths:
            pickle.dump(read_piece(root, path, encoding), answers, protocol=5)
            answers.flush()
