"""USID, the older format of pycroscopy: a table of positions by spectral values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.arrays import Lazy
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.general.hdf5_dataset import text_of
from napari_lattice_symmetry.io.stack import Stack

if TYPE_CHECKING:
    import h5py

_ANCILLARY = ("Position_Indices", "Position_Values", "Spectroscopic_Indices")


def is_main(dataset: h5py.Dataset) -> bool:
    """Return whether a dataset is measured: it refers to its positions and spectral values."""
    return all(name in dataset.attrs for name in _ANCILLARY)


def main_stack(dataset: h5py.Dataset) -> Stack:
    """Describe a main dataset: an image if there is one value at each point of a full grid."""
    indices, values, spectral = (dataset.file[dataset.attrs[name]] for name in _ANCILLARY)
    if spectral.shape[1] > 1:
        labels = np.atleast_1d(spectral.attrs.get("labels", ["an axis"])).tolist()
        return Stack(dataset, refusal=refusals.spectra(", ".join(map(text_of, labels))))
    places = np.asarray(indices)
    n_places = [len(np.unique(column)) for column in places.T]
    if len(n_places) != 2 or np.prod(n_places) != len(places):
        return Stack(dataset, refusal="holds values at scattered positions, which form no image.")
    return _image(dataset, places, np.asarray(values), np.atleast_1d(values.attrs.get("units", "")))


def _image(
    dataset: h5py.Dataset, places: NDArray[Any], values: NDArray[Any], units: NDArray[Any]
) -> Stack:
    fast = 0 if places[1, 0] != places[0, 0] else 1
    steps = [float(np.mean(np.diff(np.unique(column)))) for column in values.T]
    shape = (len(np.unique(places[:, 1 - fast])), len(np.unique(places[:, fast])))
    names = [text_of(unit) for unit in np.broadcast_to(units, 2).tolist()]
    pixel_size = pixel_size_nm(steps[1 - fast], steps[fast], names[1 - fast], names[fast])
    return Stack(
        Lazy(shape, dataset.dtype, lambda: np.asarray(dataset[:, 0]).reshape(shape)),
        axes="YX",
        pixel_size=pixel_size,
        calibration_source="positions of the USID dataset",
        refusal=refusals.diffraction(*names),
    )
