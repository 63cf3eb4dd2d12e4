"""Where the verbs write, and what they may replace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_lattice_symmetry.errors import InputError


def beside(output: Path, end: str) -> Path:
    """Name what lies beside `output`, such as ``run_maps.png`` beside ``run.zarr``."""
    return output.with_name(f"{output.stem}_{end}")


def refuse_existing(paths: Iterable[Path], overwrite: bool) -> None:
    """Refuse to replace files, unless asked to.

    Raises
    ------
    InputError
        If one of them exists.
    """
    for path in paths:
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists; choose another name, or give --overwrite.")
