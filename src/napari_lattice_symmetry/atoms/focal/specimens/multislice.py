"""The wave of electrons behind a specimen, by abTEM (GPL-3.0, an extra of its own)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms.focal.specimens.layer import Sheet
from napari_lattice_symmetry.errors import InputError

SAMPLING = 0.01
"""nm a pixel of the calculation, about: its antialiasing leaves frequencies up to 33 / nm."""


def exit_wave(sheet: Sheet, voltage: float) -> NDArray[np.complex64]:
    """Return the wave behind a sheet under a plane wave, shape (n, n).

    Parameters
    ----------
    sheet : Sheet
        Atoms where they are, shaken or at rest; the field is taken as periodic, so that a margin of
        some 0.3 nm is not to be used.
    voltage : float
        In kV.

    Raises
    ------
    InputError
        If abTEM is not installed.
    """
    try:
        import abtem
    except ModuleNotFoundError as error:
        raise InputError(
            "Waves are computed by abTEM, which is not installed; install it by "
            'pip install "napari-lattice-symmetry[hrtem]"'
        ) from error
    n = round(sheet.side / SAMPLING)
    structure = sheet.structure()
    if not len(structure):
        return np.ones((n, n), np.complex64)
    with abtem.config.set({"diagnostics.progress_bar": False}):
        potential = abtem.Potential(
            structure,
            gpts=(n, n),
            slice_thickness=1.0,
            parametrization="lobato",
            projection="infinite",
        )
        wave: Any = abtem.PlaneWave(energy=1e3 * voltage).multislice(potential, lazy=False)
    return np.asarray(wave.array, np.complex64).reshape(n, n).T
