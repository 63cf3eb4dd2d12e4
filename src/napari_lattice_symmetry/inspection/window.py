"""One window looked at closely: its pixels, its spectrum, its lattice and its probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry import bravais
from napari_lattice_symmetry.analysis.frame import WindowAnalysis, compare
from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.bravais.parameters import ANSWERS, AnalysisParameters
from napari_lattice_symmetry.cells import PlaneGroup, UnitCell, average_cell, plane_groups
from napari_lattice_symmetry.data.movie import Movie, unit_name
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection.spots import spot_evidence
from napari_lattice_symmetry.lattice import CLASSES, NOT_ANALYZED
from napari_lattice_symmetry.lattice.basis import lattice_points
from napari_lattice_symmetry.results.maps import AGREE, DISAGREE
from napari_lattice_symmetry.spectrum import LatticeFit, WindowGrid
from napari_lattice_symmetry.spectrum.cartesian import SIDE, cartesian_spectrum
from napari_lattice_symmetry.spectrum.checks import MIN_WINDOW

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

DEFAULTS = AnalysisParameters(samples=5000)
"""How closely a single window is looked at, if nothing else is asked for."""

_AGREEMENTS = {
    NOT_ANALYZED: "not known",
    AGREE: "network and lattice agree",
    DISAGREE: "network and lattice disagree",
}

_SPOTS, _TOLD = 4, 0.5  # spots that are listed, and nats that each tells at least


@dataclass(frozen=True, eq=False)
class Inspection:
    """What is known of one window.

    Attributes
    ----------
    name : str
        Of the movie.
    frame : int
        Which frame of the movie.
    corner : (int, int)
        Row and column of the window's first pixel.
    pixels : numpy.ndarray, shape (w, w)
        The window.
    spectrum : numpy.ndarray, shape (64, 64), float32
        Its FFT amplitude, scaled to a range of 0 to 1, from -32 to 31 cycles per window.
    seen_basis : numpy.ndarray, shape (2, 2)
        The fitted lattice as it is seen: two vectors (x, y) in pixels; NaN if not resolved.
    spots : numpy.ndarray, shape (n, 2)
        Where the fitted lattice has its spots in the spectrum: (x, y) in cycles per window.
    evidence : numpy.ndarray, shape (n,)
        By how much the log-odds of the network's class fall without each spot, in nats, as
        `spot_evidence` gives it.
    mean, std : numpy.ndarray, shape (6,), float32
        Class probabilities: mean and standard deviation over the judges of the verdict, or over
        the thinned networks where the answer is the network's.
    entropy, mutual_information : float
        In nats.
    label : int
        Value of the most probable class, 0 if the window is not analyzed.
    apparent_label : int or None
        The same without the correction of the parameters, if they hold one.
    network_label : int
        What the network alone says.
    fit : LatticeFit
        The lattice, with the distortion undone.
    agreement : int
        As in the map of the same name.
    group : PlaneGroup
        The plane group, or why none is named.
    cell : UnitCell or None
        The mean unit cell of the window as it is seen; None where no plane group is named.
    parameters : AnalysisParameters
        The settings; stride and frames have no meaning here.
    """

    name: str
    frame: int
    corner: tuple[int, int]
    pixels: NDArray[Any]
    spectrum: Float32
    seen_basis: Float64
    spots: Float64
    evidence: Float64
    mean: Float32
    std: Float32
    entropy: float
    mutual_information: float
    label: int
    apparent_label: int | None
    network_label: int
    fit: LatticeFit
    agreement: int
    group: PlaneGroup
    cell: UnitCell | None
    parameters: AnalysisParameters

    def rows(self) -> list[tuple[str, str]]:
        """List name and value of everything but the pictures, as a person would read it."""
        y, x = self.corner
        settings, fit = self.parameters, self.fit
        rows = [
            ("movie", self.name),
            ("frame", str(self.frame)),
            ("window", f"{settings.window} px from x {x}, y {y} px"),
            ("class", _name(self.label)),
            ("answer", ANSWERS[settings.answer]),
        ]
        if self.apparent_label is not None:
            rows.append(("class without correction", _name(self.apparent_label)))
        rows += [
            (f"P({name})", f"{mean:.3f} ± {std:.3f}")
            for name, mean, std in zip(CLASSES, self.mean, self.std, strict=True)
        ]
        rows += [
            ("predictive entropy", f"{self.entropy:.3f} nats"),
            ("mutual information", f"{self.mutual_information:.3f} nats"),
        ]
        if settings.is_verdict:
            rows.append(("class of the network alone", _name(self.network_label)))
        if fit.resolved:
            unit = f" {unit_name(fit.unit)}"
            rows += [
                ("a", _with_error(fit.a, fit.a_error, unit)),
                ("b", _with_error(fit.b, fit.b_error, unit)),
                ("gamma", _with_error(fit.gamma, fit.gamma_error, "°")),
                ("orientation", _with_error(fit.orientation, fit.orientation_error, "°")),
                ("class of the lattice", f"{fit.lattice} (tolerance {100 * fit.tolerance:g} %)"),
            ]
        if fit.remarks:
            rows.append(("lattice", fit.remarks))
        rows += [
            *self._spot_rows(),
            ("agreement", _AGREEMENTS[self.agreement]),
            ("plane group", self.group.remarks),
            ("network", f"{settings.network}, {settings.samples} samples, seed {settings.seed}"),
        ]
        return rows

    def _spot_rows(self) -> list[tuple[str, str]]:
        """Return which spots the network names its class by."""
        told = np.nan_to_num(self.evidence)
        half = (self.spots[:, 0] > 0) | ((self.spots[:, 0] == 0) & (self.spots[:, 1] > 0))
        first = [i for i in np.argsort(-told, kind="stable") if half[i] and told[i] > _TOLD][
            :_SPOTS
        ]
        if not first:
            return []
        spots = (f"({x:.1f}, {y:.1f}) {told[i]:+.1f}" for i in first for x, y in [self.spots[i]])
        return [(f"spots for {_name(self.network_label)}", f"{'; '.join(spots)} nats")]

    def text(self) -> str:
        """Return the rows as lines, name and value separated by a tab."""
        return "\n".join("\t".join(row) for row in self.rows())


def inspect_window(
    movie: Movie,
    frame: int,
    center: tuple[float, float],
    parameters: AnalysisParameters,
    model: Classifier | None = None,
) -> Inspection:
    """Look at one window.

    Parameters
    ----------
    movie : Movie
        Where it is.
    frame : int
        In which frame.
    center : (float, float)
        Row and column round which the window lies; at an edge it is moved inwards.
    parameters : AnalysisParameters
        Size of the window, network, samples, seed, distortion and tolerance.
    model : Classifier, optional
        A loaded network; `parameters.network` is loaded if not given.

    Returns
    -------
    Inspection
        With the same numbers as a map that has the window in it.

    Raises
    ------
    InputError
        If the window does not fit into the frame.
    AnalysisError
        If the frame cannot be read, or the network fails.
    ModelError
        If the network cannot be loaded.
    """
    size = parameters.window
    y, x = place_window(center, size, movie.shape[1:])
    pixels = read_frame(movie, frame)[y : y + size, x : x + size]
    parameters = parameters.answerable(model)
    settings = parameters.model_copy(update={"lattice_maps": False, "plane_groups": False})
    windows = WindowAnalysis(
        WindowGrid((size, size), size, 1), settings, movie.pixel_size, movie.unit
    )
    what = f"{movie.name}, frame {frame}"
    model = model or bravais.load_model(parameters.network, parameters.engine)
    ((found, maps),) = windows.analyze(model, pixels, what)
    fits = windows.fit(pixels[np.newaxis])
    network = maps.get("network_labels", found.label)
    basis = _as_seen(fits[0], windows)
    spots, named = reciprocal_spots(basis, size), int(network[0])
    evidence = np.full(len(spots), np.nan)
    if named != NOT_ANALYZED:
        evidence = spot_evidence(model, pixels, spots, named, windows.distortion)
    apparent = maps.get("apparent_labels")
    (group,) = plane_groups(
        pixels[np.newaxis],
        distortion=windows.distortion,
        lattice_tolerance=windows.tolerance,
    )
    pixel_size = movie.pixel_size if movie.calibrated else None
    return Inspection(
        name=movie.name,
        frame=frame,
        corner=(y, x),
        pixels=pixels,
        spectrum=cartesian_spectrum(pixels[np.newaxis])[0],
        seen_basis=basis,
        spots=spots,
        evidence=evidence,
        mean=found.mean[0],
        std=found.std[0],
        entropy=float(found.entropy[0]),
        mutual_information=float(found.mutual_information[0]),
        label=int(found.label[0]),
        apparent_label=None if apparent is None else int(apparent[0]),
        fit=fits[0],
        network_label=named,
        agreement=int(compare(network, fits)[0]),
        group=group,
        cell=_mean_cell(pixels, group, pixel_size),
        parameters=parameters,
    )


def _mean_cell(
    pixels: NDArray[Any], group: PlaneGroup, pixel_size: tuple[float, float] | None
) -> UnitCell | None:
    """Average the cell of a window as it is seen; None where that has no such lattice."""
    if not group.resolved:
        return None
    try:
        return average_cell(pixels, group.lattice, pixel_size)
    except InputError:  # a distortion is undone without which the lattice is another one
        return None


def region_window(inside: NDArray[np.bool_]) -> tuple[tuple[float, float], int]:
    """Return the window that lies over a region: its middle, and its side in pixels.

    Parameters
    ----------
    inside : numpy.ndarray, shape (Y, X), bool
        The pixels of a frame that are in the region.

    Returns
    -------
    center : (float, float)
        Row and column of the middle of the region's bounding box, as `inspect_window` takes it.
    side : int
        The longer side of the box, even, between the smallest window that can be looked at and
        what fits into the frame.

    Raises
    ------
    InputError
        If the region is empty.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_lattice_symmetry as nls
    >>> inside = np.zeros((200, 300), dtype=bool)
    >>> inside[20:80, 100:200] = True
    >>> nls.inspection.region_window(inside)
    ((49.5, 149.5), 100)
    """
    if not np.any(inside):
        raise InputError("The region is empty; mark one that lies on the frame.")
    ends = [np.flatnonzero(inside.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    (top, bottom), (left, right) = ends
    side = int(max(bottom - top, right - left)) + 1
    side = min(max(side, MIN_WINDOW), *inside.shape)
    return (float(top + bottom) / 2, float(left + right) / 2), side - side % 2


def place_window(
    center: tuple[float, float], window: int, frame_shape: tuple[int, int]
) -> tuple[int, int]:
    """Return row and column of the first pixel of a window round `center`, inside the frame.

    Raises
    ------
    InputError
        If the window does not fit into the frame.
    """
    WindowGrid(frame_shape, window, 1)  # tells a window that does not fit
    half = (window - 1) / 2
    y, x = (
        min(max(round(middle - half), 0), length - window)
        for middle, length in zip(center, frame_shape, strict=True)
    )
    return y, x


def reciprocal_spots(basis: Float64, size: int) -> Float64:
    """List the spots of a lattice in the spectrum of a window, the center left out.

    Parameters
    ----------
    basis : ndarray, shape (2, 2)
        Two lattice vectors (x, y) in pixels; NaN for none.
    size : int
        Side of the window in pixels.

    Returns
    -------
    ndarray, shape (n, 2)
        (x, y) in cycles per window, up to the Nyquist frequency and the edge of the spectrum.
    """
    if not np.isfinite(basis).all():
        return np.empty((0, 2))
    reach = min(SIDE, size) // 2
    points = lattice_points(reciprocal_basis(basis, size), (2 * reach, 2 * reach), (reach, reach))
    spots = points - reach
    return np.asarray(spots[np.hypot(*spots.T) > 1e-6 * reach])


def reciprocal_basis(basis: Float64, size: int) -> Float64:
    """Return the reciprocal vectors (x, y) of a lattice, in rows and cycles per window."""
    return np.asarray(size * np.linalg.inv(basis).T, dtype=np.float64)


def _as_seen(fit: LatticeFit, windows: WindowAnalysis) -> Float64:
    """Return the lattice in pixels of the image, as the distortion shows it."""
    basis = fit.basis / (windows.pixel_side or 1.0)
    return basis if windows.distortion is None else np.asarray(basis @ windows.distortion.T)


def _name(label: int) -> str:
    return "not analyzed" if label == NOT_ANALYZED else CLASSES[label - 1]


def _with_error(value: float, error: float, unit: str) -> str:
    """Write a value with its standard error, to the first digit of the error."""
    digits = 0 if error >= 1 else int(np.ceil(-np.log10(max(error, 1e-6))))
    return f"{value:.{digits}f} ± {error:.{digits}f}{unit}"
