"""What the network and the lattice fit say of simulated images, and where they begin to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection.window import Inspection, inspect_window
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.lattice.image import FREE_PARAMETERS, LatticeImage
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.lattice_fit import TOLERANCE

Float64 = NDArray[np.float64]

_NOT_SWEPT = ("lattice", "plane_group", "seed")


def inspect_lattice(
    image: LatticeImage, model: Classifier | None = None, samples: int = 100
) -> Inspection:
    """Draw an image and look at all of it as one window.

    Parameters
    ----------
    image : LatticeImage
        What to draw.
    model : Classifier, optional
        A loaded network; "compact" is loaded if not given.
    samples : int
        Number of thinned networks.

    Returns
    -------
    Inspection
        The image, its spectrum, the fitted lattice and the probabilities.

    Raises
    ------
    AnalysisError
        If the network fails.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> seen = nls.inspection.inspect_lattice(nls.LatticeImage(lattice="square", a=12), samples=20)
    >>> seen.text().splitlines()[3].split()
    ['class', 'square']
    """
    movie = Movie.from_array(image.draw(), name=f"simulated {image.lattice}")
    settings = AnalysisParameters(window=image.size, samples=samples)
    return inspect_window(movie, 0, (image.size / 2, image.size / 2), settings, model)


@dataclass(frozen=True, eq=False)
class SweepPoint:
    """What is said of several images that differ in their random numbers alone.

    Attributes
    ----------
    value : float
        Of the parameter that varies.
    truth : str
        Class that the images show, within the tolerance of a lattice fit.
    mean, std : numpy.ndarray, shape (6,), float64
        Class probabilities: mean over images and thinned networks, and the standard deviation
        from one image and one thinned network to another.
    right : float
        Share of images whose most probable class is the truth.
    fit_right : float
        Share of images whose fitted lattice has the class of the truth; for noise, of those
        without a lattice.
    resolved : float
        Share of images to which a lattice could be fitted.
    """

    value: float
    truth: str
    mean: Float64
    std: Float64
    right: float
    fit_right: float
    resolved: float


def sweepable(lattice: str) -> list[str]:
    """List the parameters of `LatticeImage` that can be varied for a class of lattice.

    Parameters
    ----------
    lattice : str
        One of `CLASSES`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> nls.inspection.sweepable("square")[:4]
    ['a', 'orientation', 'second_grain', 'misorientation']
    """
    settled = {"a", "b", "gamma"} - set(FREE_PARAMETERS[lattice])
    return [
        name for name in LatticeImage.model_fields if name not in _NOT_SWEPT and name not in settled
    ]


def sweep_values(parameter: str, first: float, last: float, steps: int) -> list[float]:
    """Space values evenly from `first` to `last`, or by equal factors where that suits better.

    Whole numbers where the parameter is one, each of them once.

    Parameters
    ----------
    parameter : str
        One of `sweepable`.
    first, last : float
        The ends, in the unit of the parameter.
    steps : int
        How many values.

    Returns
    -------
    list of float

    Raises
    ------
    InputError
        If a value is out of the range of the parameter, or there are fewer than two.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> nls.inspection.sweep_values("gamma", 60, 90, 4)
    [60.0, 70.0, 80.0, 90.0]
    """
    field = LatticeImage.model_fields[parameter]
    extra: Any = field.json_schema_extra
    for value in (first, last):
        _vary(LatticeImage(), parameter, value)
    space = np.geomspace if extra.get("log") else np.linspace
    values = space(first, last, max(steps, 0))
    if field.annotation is int:
        values = np.unique(np.round(values))[:: 1 if first <= last else -1]
    if len(np.unique(values)) < 2:
        raise InputError(
            f"From {first:g} to {last:g} in {steps} steps there is nothing to vary; "
            "give two different ends and at least 2 steps."
        )
    return [float(value) for value in values]


def iter_sweep(
    image: LatticeImage,
    parameter: str,
    values: Sequence[float],
    model: Classifier,
    *,
    images: int = 16,
    samples: int = 50,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[SweepPoint]:
    """Vary one parameter and see what becomes of the answers.

    Parameters
    ----------
    image : LatticeImage
        Everything else.
    parameter : str
        Name of a numeric field of `image`.
    values : sequence of float
        What it takes in turn.
    model : Classifier
        A loaded network.
    images : int
        How many images to draw at each value, their seeds counted from that of `image`.
    samples : int
        Number of thinned networks.
    should_stop : callable
        Asked before every image; ends the sweep.

    Yields
    ------
    SweepPoint
        For one value after the other.

    Raises
    ------
    InputError
        If a value is out of the range of the parameter.
    """
    for value in values:
        varied = _vary(image, parameter, value)
        windows = np.empty((images, varied.size, varied.size))
        labels = np.empty(images, dtype=np.uint8)
        for i in range(images):
            if should_stop():
                return
            windows[i] = varied.model_copy(update={"seed": image.seed + i}).draw()
            labels[i] = fit_lattices(windows[i : i + 1]).label[0]
        blocks = list(model.classify_blocks(windows, samples=samples))
        mean = np.concatenate([block.mean for block in blocks]).astype(np.float64)
        std = np.concatenate([block.std for block in blocks]).astype(np.float64)
        truth = varied.symmetry(TOLERANCE)
        index = CLASSES.index(truth)
        yield SweepPoint(
            value=value,
            truth=truth,
            mean=mean.mean(axis=0),
            std=np.sqrt(np.square(std).mean(axis=0) + mean.var(axis=0)),
            right=float((mean.argmax(axis=1) == index).mean()),
            fit_right=float((labels == (0 if truth == "noise" else index + 1)).mean()),
            resolved=float((labels > 0).mean()),
        )


def _vary(image: LatticeImage, parameter: str, value: float) -> LatticeImage:
    try:
        return LatticeImage(**{**image.model_dump(), parameter: value})
    except ValidationError as error:
        fault = error.errors()[0]
        title = LatticeImage.model_fields[parameter].title
        raise InputError(f"{title} = {value:g}: {fault['msg'].lower()}.") from error
