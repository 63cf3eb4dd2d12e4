"""PNG, JPEG and BMP: one image without calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.arrays import Lazy
from napari_lattice_symmetry.io.stack import Files, Stack

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def open_image(path: Path, files: Files) -> dict[str, Stack]:
    """Look at the header of an image; a print resolution is not a calibration."""
    import imageio.v3 as iio

    try:
        image: Any = files.enter_context(iio.imopen(path, "r", plugin="pillow"))
    except OSError as error:
        raise InputError(f"{path.name} is not a PNG, JPEG or BMP image.") from error
    properties, metadata = image.properties(index=0), image.metadata(index=0)
    shape, dtype, mode = properties.shape, np.dtype(properties.dtype), None
    if metadata["mode"] == "CMYK":
        shape, mode = (*shape[:2], 3), "RGB"
    stack = Stack(
        Lazy(shape, dtype, lambda: np.asarray(image.read(index=0, mode=mode))),
        axes="YX" if len(shape) == 2 else "YXS",
        metadata=metadata,
        stored=path.stat().st_size,
        compressed=True,
    )
    return {path.stem: stack}
