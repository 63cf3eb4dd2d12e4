"""Keras, loaded so that TensorFlow can share a process with napari's canvas and Qt's threads.

TensorFlow's libraries and Mesa's OpenGL drivers each hold an LLVM of their own under the same
symbol names. Resolved across the two, a process hangs or crashes: TensorFlow while it loads
once a window was drawn, or the first drawing after TensorFlow was loaded.

TensorFlow also remembers Python's state of the thread that loads it. In a thread of Qt's pool that
state ends with the task, and the next task there that builds a network crashes. So it is loaded
in a thread that nobody uses again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module

__all__ = ["keras", "layers"]


@contextmanager
def _symbols_apart() -> Iterator[None]:
    """Have libraries look for symbols at home first, and keep TensorFlow's to themselves."""
    if not hasattr(os, "RTLD_DEEPBIND"):  # only the dynamic linker of glibc mixes them up
        yield
        return
    # TensorFlow publishes its symbols through this module, and does without where it is missing.
    sys.modules.setdefault("tensorflow.python.pywrap_dlopen_global_flags", None)  # type: ignore[arg-type]
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)


with _symbols_apart():
    # TensorFlow tells of missing graphics cards at length.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(import_module, "keras").result()
    import keras
    from keras import layers
