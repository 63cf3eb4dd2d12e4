"""One calibrated answer a window, from what the network says and what the fit says."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.classifier import Classification, entropy
from napari_lattice_symmetry.bravais.evidence import evidence, of_pixels
from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.bravais.trust import believed, mean_answer, situations
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.networks.registry import NetworkFile
from napari_lattice_symmetry.spectrum.checks import as_windows, is_real
from napari_lattice_symmetry.spectrum.fitting import fit_lattices
from napari_lattice_symmetry.spectrum.lattice_fit import MAX_TOLERANCE, TOLERANCE, Flag, LatticeFits

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Verdict(Classification):
    """What network and fit together say of n windows.

    `mean` and `std`, `entropy` and `mutual_information` are those over the judges, and
    `thinned_totals` has a row for each of them.

    Parameters
    ----------
    network : Classification
        What the network says by itself.
    fits : LatticeFits
        What the fit says by itself, arrays of shape (n,); within 0.04 for a tolerance of 0.
    """

    network: Classification
    fits: LatticeFits

    @property
    def flags(self) -> NDArray[np.int64]:
        """`Flag` values of the fit, added; shape (n,)."""
        return self.fits.flags


# Overtones of a few pixels a period are aliased by the pixels into spots of a larger cell, as
# sharp as its own. The judges were not shown which lattices have another cell beside them.
_ALIASED = Flag.SUPERLATTICE | Flag.MANY_PERIODS
_OF_ALIASES = 0.5

# BLAS shares products of more windows out among threads, which then wait at full speed for the
# next product while the spectra and the network of the next block need the cores.
_ALONE = 32


@dataclass(frozen=True, eq=False)
class Judges:
    """Several small networks that were taught alike, from other first weights.

    Parameters
    ----------
    weights : tuple of ndarray, shapes (judges, inputs, units) and (judges, 1, units)
        Kernel and bias of each layer in turn. The first layer takes `evidence` as it is, and the
        last gives logits.
    trust : ndarray, shape (5, 2)
        How far they are believed in each of `SITUATIONS`: a factor of all logits, and what is
        added to that of noise.
    """

    weights: tuple[Float32, ...]
    trust: Float32

    @classmethod
    def read(cls, content: bytes) -> Judges:
        """Read the content of a file that `train_verdict` wrote."""
        with np.load(io.BytesIO(content)) as arrays:
            names = [name for name in arrays.files if name != "trust"]
            return cls(tuple(arrays[name] for name in names), arrays["trust"])

    def probabilities(
        self,
        seen: NDArray[np.floating],
        repeating: NDArray[np.floating],
        aliased: NDArray[np.bool_] | bool = False,
    ) -> NDArray[np.float64]:
        """Judge evidence (n, m), `repetition` (n,) and what may be aliased (n,), (judges, n, 6)."""
        logits = answers(self.weights, seen)
        trust = self.trust[situations(seen, mean_answer(logits), repeating)]
        trust[:, 0] *= np.where(aliased, _OF_ALIASES, 1)
        return believed(logits, trust)

    def judge(
        self,
        windows: NDArray[Any],
        network: Classification,
        fits: LatticeFits,
        tolerance: float,
    ) -> Verdict:
        """Return the verdict on windows (n, w, w), with lattices named within a tolerance."""
        shares, repeating = of_pixels(windows)
        aliased = (fits.flags & _ALIASED) == _ALIASED
        p = self.probabilities(evidence(network, fits, shares, tolerance), repeating, aliased)
        known = np.isfinite(network.entropy)
        totals = p[:, known].sum(axis=1)
        p[:, ~known] = np.nan
        mean, predictive = p.mean(axis=0), entropy(p.mean(axis=0))
        information = np.clip(predictive - entropy(p).mean(axis=0), 0, None)
        return Verdict(
            mean=mean.astype(np.float32),
            std=p.std(axis=0).astype(np.float32),
            entropy=predictive.astype(np.float32),
            mutual_information=information.astype(np.float32),
            thinned_totals=totals,
            network=network,
            fits=fits,
        )


def answers(weights: tuple[Float32, ...], seen: NDArray[np.floating]) -> Float32:
    """Return the logits (judges, n, 6) of judges with these weights for evidence (n, m)."""
    starts = range(0, max(len(seen), 1), _ALONE)
    return np.concatenate([_answers(weights, seen[i : i + _ALONE]) for i in starts], axis=1)


def _answers(weights: tuple[Float32, ...], seen: NDArray[np.floating]) -> Float32:
    x: Any = seen.astype(np.float32)[np.newaxis]
    for i in range(0, len(weights), 2):
        x = np.maximum(x, 0) if i else x
        x = x @ weights[i] + weights[i + 1]
    return np.asarray(x)


@cache
def load_judges(sha256: str) -> Judges:
    """Load the judges who know a network by the hash of its weights.

    Raises
    ------
    ModelError
        If their weights are not those that were shipped.
    """
    name, entry = next(
        (name, entry["verdict"])
        for name, entry in REGISTRY.entries.items()
        if entry["sha256"] == sha256
    )
    file = NetworkFile(f"{name}-verdict", REGISTRY.folder / entry["file"], entry["sha256"])
    return Judges.read(file.read())


def classify(
    windows: NDArray[Any],
    samples: int = 100,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    distortion: NDArray[np.float64] | None = None,
) -> Verdict:
    """Return the verdict on windows: the class that network and lattice fit together stand for.

    Parameters
    ----------
    windows : ndarray, shape (n, w, w)
        Windows of any size from 32 px and any real dtype.
    samples : int
        Number of thinned networks, 1 to 5000.
    tolerance : float
        How far a lattice may be from a symmetry to be named after it, from 0 to 0.2: as the
        logarithm of a ratio of sides, or the cosine of an angle, so 0.04 is 4 % or 2.3 degrees,
        at every window size. With 0 it is as tight as the errors of the fit allow.
    seed : int
        Draws the dropout masks.
    distortion : ndarray, shape (2, 2), optional
        What the scan did to positions (x, y), ``seen = distortion @ true``; the windows are
        classified as if it were undone.

    Returns
    -------
    Verdict
        With `mean`, `std`, `entropy`, `label` and `flags`; what was said by itself is in
        `network` and `fits`.

    Raises
    ------
    InputError
        If the windows are not square images of real numbers, or a setting is out of its range.
    ModelError
        If the network or the judges are not those that were shipped.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> window = nls.LatticeImage(lattice="hexagonal", a=12, counts=200).draw()
    >>> verdict = nls.classify(window[None], samples=10)
    >>> nls.CLASSES[verdict.label[0] - 1], bool(verdict.mean.max() > 0.9), int(verdict.flags[0])
    ('hexagonal', True, 0)
    """
    windows = as_windows(windows, "(n, w, w)")
    if not (is_real(tolerance) and 0 <= tolerance <= MAX_TOLERANCE):
        raise InputError(f"A tolerance of {tolerance} is not from 0 to {MAX_TOLERANCE}.")
    model = load_model()
    network = model.classify(windows, samples, seed, distortion, peaks=True)
    within = tolerance or TOLERANCE
    fits = fit_lattices(windows, tolerance=within, distortion=distortion, peaks=network.peaks)
    return load_judges(model.sha256).judge(windows, network, fits, tolerance)
