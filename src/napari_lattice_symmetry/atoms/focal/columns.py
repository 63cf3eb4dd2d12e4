"""Naming the columns of a focal series."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import fft2

from napari_lattice_symmetry.atoms.finding.scaling import fill_gaps
from napari_lattice_symmetry.atoms.focal.consistency import (
    GAIN,
    Consistency,
    check_series,
)
from napari_lattice_symmetry.atoms.focal.microscope import Microscope, frequencies
from napari_lattice_symmetry.atoms.focal.namer import DEFAULT, ColumnNamer, load_namer
from napari_lattice_symmetry.atoms.focal.parameters import ColumnParameters
from napari_lattice_symmetry.atoms.focal.registration import flip_phases, measure_shifts, register
from napari_lattice_symmetry.atoms.focal.specimens.layer import GRAPHENE, LAYERS, column_names
from napari_lattice_symmetry.atoms.table import Atoms, join
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.settings import parse_settings
from napari_lattice_symmetry.spectrum.period import dominant_period

Float = NDArray[np.float64]

_SCALE_TOLERANCE = 0.06  # of the lattice constant; a scan that is sheared by more is refused, too
_MIN_EXPLAINED = 0.6
_STANDS_OUT = 10.0  # times the power beside it


@dataclass(frozen=True, eq=False)
class NamedSeries:
    """Columns of a focal series, and what they were found by.

    Parameters
    ----------
    atoms : Atoms
        Of the image in the middle, with labels such as Mo, 2S and S, and the columns ``p Mo``,
        ``p 2S`` and ``p S`` besides: the probability of each class.
    drift : ndarray, shape (n, 2)
        Of each image, y and x in pixels.
    consistency : Consistency or None
        How well one potential explains the images; None of a single one, or of nothing but noise.
    maps : ndarray, shape (4, y, x), float32
        Probability of the background and of each class, in pixels of 0.032 nm.
    remark : str
        Orders of the foci that would fit as well, or that foci could not be checked; else empty.
    """

    atoms: Atoms
    drift: Float
    consistency: Consistency | None
    maps: NDArray[np.float32]
    remark: str = ""


def find_columns(
    series: ArrayLike,
    defoci: Sequence[float],
    pixel_size: float,
    *,
    network: str | os.PathLike[str] | ColumnNamer = DEFAULT,
    microscope: Microscope | None = None,
    **settings: Any,
) -> Atoms:
    """Find and name the columns of a layer MX2 in a focal series, or in a series of them.

    Parameters
    ----------
    series : array_like, shape (n, Y, X) or (t, n, Y, X)
        Images of one field, or such of each time; missing pixels may be NaN.
    defoci : sequence of float
        Of each of the n images in nm; positive is underfocus.
    pixel_size : float
        In nm.
    network : str, path or ColumnNamer
        "msd", "unet", a .keras file, or one that is loaded.
    microscope : Microscope, optional
        Voltage and aberrations, by which images are registered and foci checked.
    **settings
        Fields of `ColumnParameters`, such as ``material``.

    Returns
    -------
    Atoms
        Labels such as Mo, 2S and S, the probability of each, and how sure each column and its
        label are; ``frame`` is the number of the series.

    Raises
    ------
    InputError
        If the shape, the number of defoci or the pixel size cannot be right, or the images do not
        belong together: foci that differ from those told, or images in another order.
    ModelError
        If there is no such network.
    """
    named = iter_name_series(
        series, defoci, pixel_size, network=network, microscope=microscope, **settings
    )
    return join([each.atoms for each in named])


def iter_name_series(
    series: ArrayLike,
    defoci: Sequence[float],
    pixel_size: float,
    *,
    network: str | os.PathLike[str] | ColumnNamer = DEFAULT,
    microscope: Microscope | None = None,
    **settings: Any,
) -> Iterator[NamedSeries]:
    """Name the columns of one focal series after the other, with what they were found by.

    Parameters
    ----------
    series, defoci, pixel_size, network, microscope, **settings
        As for `find_columns`. Of an array that is read when it is indexed, one series is in
        memory.

    Yields
    ------
    NamedSeries
        Of each time; one of a single series.

    Raises
    ------
    InputError
        As for `find_columns`; of several series, it says which.
    """
    array: Any = series if hasattr(series, "ndim") else np.asarray(series)
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise InputError(
            f"An array of shape {tuple(array.shape)} is no focal series; give images (n, Y, X), or "
            "(t, n, Y, X) of several times."
        )
    parameters = parse_settings(ColumnParameters, **settings)
    namer = network if isinstance(network, ColumnNamer) else load_namer(network)
    microscope = microscope or Microscope()
    times = [array] if array.ndim == 3 else array
    for number, images in enumerate(times):
        try:
            yield _Asked(images, pixel_size, namer, microscope, parameters).name(defoci, number)
        except InputError as error:
            if len(times) == 1:
                raise
            raise InputError(f"Series {number}: {error}") from error


@dataclass(frozen=True, eq=False)
class _Asked:
    """A series, and how its columns are to be named."""

    series: ArrayLike
    pixel_size: float
    namer: ColumnNamer
    microscope: Microscope
    parameters: ColumnParameters

    def name(self, defoci: Sequence[float], number: int) -> NamedSeries:
        """Name the columns of the series with this number."""
        material, side = self.parameters.material, self.pixel_size
        lenses, parameters = self.microscope, self.parameters
        images = _as_series(self.series, defoci, side, self.namer.images)
        _check_scale(images, defoci, side, lenses, material)
        drift, reach = np.zeros((len(images), 2)), 0.0
        if parameters.register_images:
            drift = measure_shifts(images, side, defoci, lenses, parameters.reach)
            images = register(images, drift)
            # If the foci are wrong, they may lie on other sites of the crystal now.
            reach = LAYERS[material][0] / np.sqrt(3)
        consistency = check_series(images, side, defoci, lenses, reach=reach)
        if consistency is not None and parameters.check:
            _refuse_wrong_foci(consistency, defoci)
        samples, seed = parameters.samples, parameters.seed
        marks = self.namer.mark(images, side, defoci, lenses, samples=samples, seed=seed)
        confidence = self.namer.confidence(marks)
        kept = confidence >= parameters.confidence
        shares = marks.shares[kept]
        names = np.array(column_names(material))
        y, x = marks.place[kept].T
        atoms = Atoms.at(
            y,
            x,
            confidence=confidence[kept],
            label=names[shares.argmax(axis=1)],
            frame=np.full(len(y), number, np.int64),
            pixel_size=(side, side),
            name="focal series",
            more={f"p {name}": shares[:, i] for i, name in enumerate(names)},
        )
        return NamedSeries(atoms, drift, consistency, marks.maps, _remark(consistency, defoci))


def _as_series(series: ArrayLike, defoci: Sequence[float], pixel_size: float, needed: int) -> Float:
    images = np.asarray(series, dtype=np.float64)
    if len(defoci) != len(images) or not np.isfinite(np.asarray(defoci, dtype=float)).all():
        raise InputError(
            f"{len(images)} images and the defoci {tuple(defoci)} do not belong together; "
            "give one number in nm for each image."
        )
    if len(images) != needed:
        raise InputError(
            f"A series of {len(images)} images was given, and the network takes {needed}; choose "
            f"{needed} of them."
        )
    if not 0.002 <= pixel_size <= 0.05:
        raise InputError(
            f"A pixel size of {pixel_size:g} nm cannot show the columns of a layer: give one "
            "between 0.002 and 0.05 nm."
        )
    if min(images.shape[1:]) * pixel_size < 1.0:
        raise InputError(
            f"Images of {images.shape[1]} x {images.shape[2]} px of {pixel_size:g} nm are too "
            "small; at least 1 nm along each side is needed."
        )
    if any(np.ptp(fill_gaps(image)) == 0 for image in images):
        raise InputError("An image of the series is constant or missing; leave the series out.")
    return np.stack([fill_gaps(image) for image in images])


def propose_pixel_size(images: Float, material: str) -> float | None:
    """Return the pixel size with which the lattice in the images is that of a material, in nm.

    Parameters
    ----------
    images : ndarray, shape (n, Y, X)
        Of one series; missing pixels may be NaN.
    material : str
        Such as MoS2.

    Returns
    -------
    float or None
        None where no image shows a lattice.
    """
    periods = [dominant_period(fill_gaps(image)) for image in images]
    known = [each for each in periods if each is not None]
    return LAYERS[material][0] / float(np.median(known)) if known else None


def _check_scale(
    images: Float,
    defoci: Sequence[float],
    pixel_size: float,
    microscope: Microscope,
    material: str,
) -> None:
    """Refuse a pixel size with which the lattice is not that of the material."""
    bright = [
        flip_phases(image, pixel_size, defocus, microscope)
        for image, defocus in zip(images, defoci, strict=True)
    ]
    a = LAYERS[material][0]
    told: list[float] = []
    # Foci that are wrong mislead the sum, which is clearer than single images where they are right.
    for image in (np.sum(bright, axis=0), *images):
        period = dominant_period(image)
        if period is None:
            continue
        told.append(period)
        if _is_near(period * pixel_size, a):
            return
    on_graphene = any(_is_near(each * pixel_size, GRAPHENE) for each in told)
    if told and not (on_graphene and _has_spots(images, pixel_size, a)):
        found = told[0] * pixel_size
        raise InputError(
            f"With pixels of {pixel_size:.4g} nm the lattice constant is {found:.3f} nm, and that "
            f"of {material} is {a:.3f} nm: {a / told[0]:.4g} nm would fit."
        )


def _is_near(length: float, lattice: float) -> bool:
    return bool(abs(np.log(length / lattice)) < _SCALE_TOLERANCE)


def _has_spots(images: Float, pixel_size: float, a: float) -> bool:
    """Return whether spots of a lattice stand out of the spectra, though others be brighter."""
    ky, kx = frequencies((images.shape[1], images.shape[2]), pixel_size)
    window = np.outer(*(np.hanning(n) for n in images.shape[1:]))
    apart = images / images.mean(axis=(1, 2), keepdims=True) - 1
    power = np.square(np.abs(fft2(apart * window))).mean(axis=0)
    ring = power[
        np.abs(np.log(np.maximum(np.hypot(ky, kx), 1e-9) * a * np.sqrt(3) / 2)) < _SCALE_TOLERANCE
    ]
    return bool(len(ring) and ring.max() > _STANDS_OUT * np.median(ring))


def _refuse_wrong_foci(consistency: Consistency, defoci: Sequence[float]) -> None:
    told, best_offset = consistency.as_told, float(consistency.explained.max())
    best = max(best_offset, consistency.best)
    if best < _MIN_EXPLAINED:
        raise InputError(
            f"No specimen explains all images at the defoci {_listed(defoci)} nm: at most "
            f"{told:.0%} of what they show; look whether they are of one field, and at voltage, "
            "aberrations and foci."
        )
    if told >= _MIN_EXPLAINED and 1 - told <= GAIN * (1 - best):
        return
    if consistency.best >= best_offset:
        order = _listed([defoci[i] for i in consistency.order])
        raise InputError(
            f"The images fit the defoci in the order {order} nm better than as given; put "
            "them in their order."
        )
    offset = consistency.offset
    direction = "higher" if offset > 0 else "lower"
    raise InputError(
        f"The images fit defoci {abs(offset):.1f} nm {direction} than those given "
        f"({_listed(defoci)} nm); correct these, or the aberrations of the microscope."
    )


def _remark(consistency: Consistency | None, defoci: Sequence[float]) -> str:
    if consistency is None:
        return "Too little stands out of the noise to check the foci." if len(defoci) > 1 else ""
    orders = [_listed([defoci[i] for i in order]) for order in consistency.others]
    if not orders:
        return ""
    return f"Defoci in the order {' or '.join(orders)} nm would fit as well; look at their order."


def _listed(defoci: Sequence[float]) -> str:
    return ", ".join(f"{each:g}" for each in defoci)
