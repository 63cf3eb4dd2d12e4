"""Where the verbs write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import check_free


def beside(output: Path, end: str) -> Path:
    """Name what lies beside `output`, such as ``run_maps.png`` beside ``run.zarr``."""
    return output.with_name(f"{output.stem}_{end}")


def check_outputs(outputs: Iterable[Path], endings: Sequence[str], *, overwrite: bool) -> None:
    """Find out before the work whether all files can be written.

    Raises
    ------
    InputError
        If a name ends otherwise, or there is such a file and it must not be replaced.
    """
    for output in outputs:
        if not output.name.lower().endswith(tuple(endings)):
            raise InputError(f"{output} must end in {', '.join(endings)}.")
        check_free(output, overwrite=overwrite)
