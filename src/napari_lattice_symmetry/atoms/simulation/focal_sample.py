"""The sample of a focal series, which is shipped as it was drawn, so that nobody needs abTEM."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from napari_lattice_symmetry.atoms.focal.series import FocalPicture, FocalSeries
from napari_lattice_symmetry.atoms.focal.specimens.layer import Specimen
from napari_lattice_symmetry.atoms.table import Atoms

SAMPLE = FocalSeries(
    specimen=Specimen(vacancies=0.06, orientation=12, seed=7),
    pixel_size=0.016,
    dose=2e3,
    drift=0.03,
    seed=7,
)
"""A layer of MoS2 with vacancies, at defoci of -3, 2 and 7 nm."""

_FILE = Path(__file__).with_suffix(".npz")


def sample_series() -> FocalPicture:
    """Return the sample of a focal series, MoS2 with vacancies whose columns are known.

    Returns
    -------
    FocalPicture
        As `SAMPLE` was drawn, counts rounded, by
        ``python -m napari_lattice_symmetry.atoms.simulation.focal_sample``.

    Examples
    --------
    >>> picture = nls.atoms.sample_series()
    >>> picture.images.shape, picture.defoci
    ((3, 256, 256), (-3.0, 2.0, 7.0))
    """
    with np.load(_FILE) as stored:
        y, x = stored["places"].astype(np.float64).T
        label = stored["labels"]
        images, drift = stored["images"].astype(np.float64), stored["drift"]
    side = SAMPLE.pixel_size
    atoms = Atoms.at(y, x, label=label, pixel_size=(side, side), name="simulated")
    return FocalPicture(images, atoms, SAMPLE.defoci, drift, side)


def draw_sample(path: Path = _FILE) -> None:
    """Draw the sample and store it; needs abTEM.

    Parameters
    ----------
    path : path
        An .npz file.
    """
    picture = SAMPLE.draw()
    np.savez_compressed(
        path,
        images=np.rint(picture.images).astype(np.uint16),
        places=picture.atoms.positions.astype(np.float32),
        labels=picture.atoms.label,
        drift=picture.drift,
    )


if __name__ == "__main__":
    draw_sample(*map(Path, sys.argv[1:]))
