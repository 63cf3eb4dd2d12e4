"""Ctrl-C: it ends the command at once until there is something to be kept."""

from __future__ import annotations

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def leave_on_interrupt() -> None:
    """Let Ctrl-C end the process at once, since nothing is to be kept.

    Where it is to be ignored, as by what a shell runs in the background, it still is.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def keep_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, so that what is finished is kept."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
