"""Libraries that come with an extra of this package, or not at all."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import InputError


def require(module: str, library: str, extra: str, path: Path) -> Any:
    """Import what reads or writes `path`.

    Raises
    ------
    InputError
        If it is not installed; it says how to install it.
    """
    logger = logging.getLogger(module.partition(".")[0])
    level = logger.level
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path.name} needs {library}, which is not installed; install it by "
            f'pip install "napari-lattice-symmetry[{extra}]"'
        ) from error
    finally:
        logger.setLevel(level)  # which RosettaSciIO sets when it is imported
