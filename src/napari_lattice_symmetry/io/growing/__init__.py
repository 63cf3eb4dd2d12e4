"""Movies that grow while they are read: a folder, a multi-page TIFF, a Zarr array.

They are polled. Systems tell of new files only where they are written by the same machine: of
what a microscope writes to a network share, nobody tells. And a file that is there is not a file
that is complete, which takes a second look in any case.
"""

from __future__ import annotations

from os import PathLike

from napari_lattice_symmetry.data.growing import INTERVAL, PATIENCE, GrowingMovie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import as_path
from napari_lattice_symmetry.io.general.tiff import SUFFIXES as TIFF_SUFFIXES
from napari_lattice_symmetry.io.general.zarr_files import is_zarr
from napari_lattice_symmetry.io.growing.folder import GrowingFolder
from napari_lattice_symmetry.io.growing.pages import GrowingTiff
from napari_lattice_symmetry.io.growing.zarr_array import GrowingZarr
from napari_lattice_symmetry.io.stack import one_sentence

__all__ = ["open_growing"]


def open_growing(
    path: str | PathLike[str],
    *,
    pattern: str = "*",
    dataset: str | None = None,
    channel: int | str | None = None,
    interval: float = INTERVAL,
    patience: float = PATIENCE,
) -> GrowingMovie:
    """Open a movie that is being written; not one frame need be there yet.

    Parameters
    ----------
    path : path-like
        A folder that images are written to, a TIFF file that gets page after page, or a Zarr
        array, plain or OME, that gets longer or is filled along time.
    pattern : str
        Which files of a folder are frames, such as "*.tif".
    dataset, channel
        As in `read_movie`.
    interval, patience : float
        As in `GrowingMovie`, in seconds.

    Returns
    -------
    GrowingMovie
        What `iter_watch` takes.

    Raises
    ------
    InputError
        If there is nothing at `path`, or what is there cannot grow.
    """
    path = as_path(path)
    with one_sentence(path):
        if not path.exists():
            raise InputError(
                f"{path} does not exist; choose a folder, a TIFF file or a Zarr folder."
            )
    times = {"interval": interval, "patience": patience}
    if path.is_dir() and (path.suffix.lower() == ".zarr" or is_zarr(path)):
        return GrowingZarr(path, dataset=dataset, channel=channel, **times)
    if path.is_dir():
        return GrowingFolder(path, pattern=pattern, dataset=dataset, channel=channel, **times)
    if path.suffix.lower() in TIFF_SUFFIXES and path.is_file():  # a pipe would be waited for
        return GrowingTiff(path, channel=channel, **times)
    raise InputError(
        f"{path.name} cannot be watched while it grows; choose a folder, a TIFF file or a Zarr "
        "folder."
    )
