"""Keras, loaded so that TensorFlow can share a process with napari's canvas.

TensorFlow's libraries and Mesa's OpenGL drivers each hold an LLVM of their own under the same
symbol names. Resolved across the two, a process hangs or crashes: TensorFlow while it loads
once a window was drawn, or the first drawing after TensorFlow was loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
    import keras
    from keras import layers
