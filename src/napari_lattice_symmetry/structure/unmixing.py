"""Unmixing: the structure of a movie without labels, as a cross-check of the classes.

The spectrum of every window is taken as a mixture of a few that are pure. The pure ones are found
among the windows by N-FINDR; what they show is named by the network afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.analysis.steps import Progress, ShouldStop, Steps
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import Classifier
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import CLASSES, LABELS, NOT_ANALYZED
from napari_lattice_symmetry.results.result import MovieResult
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.amplitude import analyzable
from napari_lattice_symmetry.spectrum.cartesian import SIDE, unscaled_spectrum
from napari_lattice_symmetry.spectrum.polar import MIN_RADIUS
from napari_lattice_symmetry.structure.chosen_windows import Places, choose_windows, read_windows
from napari_lattice_symmetry.structure.parameters import MAX_COMPONENTS
from napari_lattice_symmetry.structure.simplex import (
    find_vertices,
    mix,
    principal_axes,
    suggest_components,
)

Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]

MAX_WINDOWS = 3000
"""Windows among which the pure ones are looked for."""

PUREST = 16
"""Windows of each component that the network is asked about."""

_KY, _KX = np.mgrid[-SIDE // 2 : SIDE // 2, 0 : SIDE // 2]
USED = (np.hypot(_KY, _KX) >= MIN_RADIUS) & (_KY > -SIDE // 2)  # that row has no counterpart
"""Which frequencies of the half plane kx >= 0 are used, shape (SIDE, SIDE / 2)."""


@dataclass(frozen=True, eq=False)
class Unmixing:
    """Pure spectra, and how much of each is in every window.

    Parameters
    ----------
    spectra : ndarray, shape (K, SIDE, SIDE), float32
        FFT amplitude of the endmembers, from -SIDE / 2 to SIDE / 2 - 1 cycles per window along
        both axes; that with the greatest share of the movie comes first.
    abundances : ndarray, shape (K, T, gy, gx), float32
        Share of each endmember in each window: positive, with a sum of one; NaN in windows
        that are constant, NaN or in a frame that cannot be read.
    probabilities : ndarray, shape (K, 6), float32
        What the network says of the purest windows, on average.
    variances : ndarray, shape (m,), float64
        Variance of the spectra along their principal axes, as a share of all.
    suggested : int
        Number of components that these variances suggest.
    parameters : AnalysisParameters
        The settings.
    grid : WindowGrid
        Where the windows lie on a frame.
    """

    spectra: Float32
    abundances: Float32
    probabilities: Float32
    variances: Float64
    suggested: int
    parameters: AnalysisParameters
    grid: WindowGrid

    @property
    def classes(self) -> list[str]:
        """The network's class of each endmember."""
        return [CLASSES[k] for k in self.probabilities.argmax(axis=1)]

    @property
    def names(self) -> list[str]:
        """The classes, numbered where several endmembers have the same, such as two grains."""
        classes = self.classes
        return [
            name if classes.count(name) == 1 else f"{name} {classes[: k + 1].count(name)}"
            for k, name in enumerate(classes)
        ]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Label value of the class of the largest share, 0 where not known; (T, gy, gx)."""
        known = np.isfinite(self.abundances).all(axis=0)
        values = np.array([LABELS[name] for name in self.classes], dtype=np.uint8)
        largest = np.where(known, self.abundances, 0).argmax(axis=0)
        return np.where(known, values[largest], NOT_ANALYZED).astype(np.uint8)

    def agreement(self, result: MovieResult) -> float:
        """Return the share of windows in which the largest component has the network's class.

        Parameters
        ----------
        result : MovieResult
            With the same windows.

        Returns
        -------
        float
            Of the windows known to both; NaN if there are none.

        Raises
        ------
        InputError
            If it has other windows, or other frames.
        """
        mine, labels = self.labels, np.asarray(result.labels)
        ours, theirs = self.parameters, result.parameters
        same_start = (ours.first_frame, ours.frame_step) == (theirs.first_frame, theirs.frame_step)
        if not same_start or self.grid != result.grid or mine.shape != labels.shape:
            raise InputError(
                f"The result of {result.name} has other windows, so it is not compared."
            )
        known = (mine != NOT_ANALYZED) & (labels != NOT_ANALYZED)
        return float(np.mean(mine[known] == labels[known])) if known.any() else float("nan")


def unmix(
    movie: Movie,
    parameters: AnalysisParameters,
    components: int | None = None,
    *,
    model: Classifier | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Unmixing:
    """Find the pure spectra of a movie, and how much of each is where.

    Parameters
    ----------
    movie : Movie
        What to unmix; read frame by frame, twice.
    parameters : AnalysisParameters
        Windows, frames, network, samples and distortion are used.
    components : int, optional
        Number of endmembers, 1 to `MAX_COMPONENTS`; suggested by the spectra if not given.
    model : Classifier, optional
        A loaded network; `parameters.network` is loaded if not given.
    progress : callable, optional
        Called as ``progress(done, total)`` after every block of windows.
    should_stop : callable, optional
        Asked after every block; once it says True, this ends.

    Returns
    -------
    Unmixing

    Raises
    ------
    InputError
        If the window does not fit, the number of components is out of range, or there are too
        few windows that show something.
    ModelError
        If the network cannot be loaded.
    AnalysisError
        If the file of the movie is gone, or frames in a row cannot be read.
    StoppedError
        If `should_stop` says so.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> image = nls.LatticeImage(lattice="square", a=12, size=256, second_grain=0.4).draw()
    >>> movie = nls.Movie.from_array(image)
    >>> unmixed = nls.structure.unmix(movie, nls.AnalysisParameters(window=64, stride=16))
    >>> unmixed.suggested, unmixed.abundances.shape
    (2, (2, 1, 13, 13))
    """
    if components is not None and not 1 <= components <= MAX_COMPONENTS:
        raise InputError(f"{components} components are out of range; use 1 to {MAX_COMPONENTS}.")
    job = AnalysisJob(movie, parameters)
    everywhere = np.ones((len(job.indices), *job.grid.shape), dtype=bool)
    places = choose_windows(everywhere, MAX_WINDOWS, parameters.seed)
    steps = Steps(len(places) + everywhere.size, progress, should_stop)

    blocks = list(_read_spectra(job, places, steps))
    places, spectra = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    if len(places) <= MAX_COMPONENTS:
        raise InputError(
            f"{movie.name}: only {len(places)} windows show something, too few to unmix; take "
            "more frames, or a smaller window or stride."
        )
    center, axes, variances = principal_axes(spectra, MAX_COMPONENTS)
    total = float(np.square(spectra - center).sum(axis=1).mean())
    suggested = suggest_components(variances, total, min(spectra.shape))
    axes = axes[: (components or suggested) - 1]
    scores = (spectra - center) @ axes.T
    vertices = scores[find_vertices(scores)]
    vertices = vertices[np.argsort(-mix(scores, vertices).mean(axis=0), kind="stable")]

    endmembers = center + vertices @ axes
    model = model or load_model(parameters.network, parameters.engine)
    probabilities = [
        _ask_network(model, job, places[_nearest(spectra, endmember)]) for endmember in endmembers
    ]
    abundances = np.full((len(vertices), *everywhere.shape), np.nan, dtype=np.float32)
    for here, some in _read_spectra(job, np.argwhere(everywhere), steps):
        abundances[:, *here.T] = mix((some - center) @ axes.T, vertices).T
    return Unmixing(
        spectra=np.stack([_picture(endmember) for endmember in endmembers]),
        abundances=abundances,
        probabilities=np.stack(probabilities),
        variances=variances / total,
        suggested=suggested,
        parameters=parameters,
        grid=job.grid,
    )


def _read_spectra(
    job: AnalysisJob, places: Places, steps: Steps
) -> Iterator[tuple[Places, Float32]]:
    """Read the spectra of windows that show something: their places (m, 3), and (m, d)."""
    for part, windows in read_windows(job, places):
        spectra = unscaled_spectrum(windows, job.windows.distortion)[..., SIDE // 2 :][:, USED]
        length = np.linalg.norm(spectra, axis=1)
        shown = analyzable(windows) & (length > 0)
        yield places[part][shown], spectra[shown]
        steps.advance(len(windows))


def _nearest(spectra: Float32, endmember: Float64) -> NDArray[np.intp]:
    """Choose the purest windows, in order of their places."""
    distances = np.square(spectra - endmember).sum(axis=1)
    return np.sort(np.argsort(distances, kind="stable")[:PUREST])


def _ask_network(model: Classifier, job: AnalysisJob, places: Places) -> Float32:
    """Return the mean class probabilities of some windows, shape (6,)."""
    windows = np.concatenate([windows for _, windows in read_windows(job, places)])
    settings = job.parameters
    answer = model.classify(
        windows, settings.samples, settings.seed, distortion=job.windows.distortion
    )
    return np.asarray(answer.mean.mean(axis=0))


def _picture(endmember: Float64) -> Float32:
    """Return both half planes of a spectrum, shape (SIDE, SIDE), of which one was used."""
    half = np.zeros(USED.shape, dtype=np.float32)
    half[USED] = np.clip(endmember, 0, None)
    picture = np.zeros((SIDE, SIDE), dtype=np.float32)
    picture[:, SIDE // 2 :] = half
    # |F(-k)| = |F(k)|
    picture[1:, 1 : SIDE // 2] = half[:0:-1, :0:-1]
    return picture
