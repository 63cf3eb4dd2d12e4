"""From windows to class probabilities with uncertainty."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from napari_lattice_symmetry.bravais.registry import DEFAULT, REGISTRY
from napari_lattice_symmetry.errors import InputError, ModelError, guard
from napari_lattice_symmetry.lattice import CLASSES, most_probable
from napari_lattice_symmetry.networks import ENGINES
from napari_lattice_symmetry.networks.archive import is_finite
from napari_lattice_symmetry.networks.engines import Engine, open_engine
from napari_lattice_symmetry.networks.registry import NetworkFile
from napari_lattice_symmetry.spectrum import cartesian, polar
from napari_lattice_symmetry.spectrum.amplitude import analyzable, half_spectrum, standardized
from napari_lattice_symmetry.spectrum.checks import is_whole
from napari_lattice_symmetry.spectrum.peaks import PART, Peaks, peaks_in

if TYPE_CHECKING:
    import keras

    from napari_lattice_symmetry.networks.dropout import ThinnedHeads

Float32 = NDArray[np.float32]

_LOADING = Lock()

BLOCK = 128
"""Windows computed at a time: five blocks are a frame of 512 px on the default grid."""

# A block of fewer windows is filled up to a multiple of this. Engines take rows in groups as wide
# as the processor's registers, and what is left over, or a single row, by other means: whole
# groups round alike, so how windows are grouped shows in the last digit at most.
_FILL = 32

_SPECTRA: dict[tuple[int, ...], Callable[..., NDArray[np.float32]]] = {
    (polar.N_ANGLES, polar.N_RADII, 1): polar.polar_spectrum,
    (cartesian.SIDE, cartesian.SIDE, 1): cartesian.cartesian_spectrum,
}

_OF_AMPLITUDE: dict[tuple[int, ...], Callable[..., NDArray[np.float32]]] = {
    (polar.N_ANGLES, polar.N_RADII, 1): polar.polar_of_amplitude,
    (cartesian.SIDE, cartesian.SIDE, 1): cartesian.cartesian_of_amplitude,
}


@dataclass(frozen=True, eq=False)
class Classification:
    """What the thinned networks say of n windows.

    Parameters
    ----------
    mean, std : ndarray, shape (n, 6), float32
        Mean and standard deviation of the class probabilities over the thinned networks.
    entropy : ndarray, shape (n,), float32
        Predictive entropy: entropy of the mean, in nats. All uncertainty.
    mutual_information : ndarray, shape (n,), float32
        Entropy of the mean less the mean entropy, in nats. The part of the uncertainty on
        which the thinned networks disagree.
    thinned_totals : ndarray, shape (samples, 6), float64
        Probabilities of each thinned network, summed over the analyzed windows.
    peaks : Peaks, optional
        Of the spectra that the network has seen, where they were asked for.

    Notes
    -----
    Windows that could not be analyzed (over 5 % NaN or padding, or constant) hold NaN.
    """

    mean: Float32
    std: Float32
    entropy: Float32
    mutual_information: Float32
    thinned_totals: NDArray[np.float64]
    peaks: Peaks | None = field(default=None, kw_only=True)

    @property
    def label(self) -> NDArray[np.uint8]:
        """Label values 1 to 6 of the most probable class, 0 where not analyzed; shape (n,)."""
        return most_probable(self.mean, axis=1)


class Classifier:
    """A trained network, ready to be sampled.

    Parameters
    ----------
    engine : Engine
        Runs it: spectrum in, six probabilities out, with dropout before the last dense layers.
    name : str
        For provenance.
    sha256 : str
        Hash of the weights file.

    Raises
    ------
    ModelError
        If input or output of the network do not fit.
    """

    def __init__(self, engine: Engine, name: str, sha256: str) -> None:
        shape, n_outputs = engine.input_shape, engine.n_outputs
        if shape not in _SPECTRA or n_outputs != len(CLASSES):
            raise ModelError(
                f"{name}: a network from {shape} to {n_outputs} values does not fit; it must "
                f"take spectra of shape {' or '.join(map(str, _SPECTRA))} and give 6 probabilities."
            )
        self.name, self.sha256 = name, sha256
        self._engine = engine
        self._spectrum, self._of_amplitude = _SPECTRA[shape], _OF_AMPLITUDE[shape]
        self._threads, self._ahead = ThreadPoolExecutor(os.cpu_count()), ThreadPoolExecutor(1)
        self._process = os.getpid()
        self._heads = lru_cache(maxsize=4)(engine.heads)

    def __repr__(self) -> str:
        return f"Classifier({self.name!r}, sha256={self.sha256[:12]!r})"

    def __reduce__(self) -> tuple[type[Classifier], tuple[Engine, str, str]]:
        return Classifier, (self._engine, self.name, self.sha256)

    @property
    def network(self) -> keras.Model:
        """The network in Keras, loaded when it is asked for."""
        return self._engine.network

    @property
    def engine(self) -> str:
        """What runs the network, with its version."""
        return self._engine.name

    def classify(
        self,
        windows: NDArray[Any],
        samples: int = 100,
        seed: int = 0,
        distortion: NDArray[np.float64] | None = None,
        peaks: bool = False,
    ) -> Classification:
        """Classify windows.

        Parameters
        ----------
        windows : ndarray, shape (n, w, w) or (rows, columns, w, w)
            Windows of any size and real dtype; the second form is what a `WindowGrid` gives.
        samples : int
            Number of thinned networks, 1 to 5000.
        seed : int
            Draws their dropout masks.
        distortion : ndarray, shape (2, 2), optional
            What the scan did to positions (x, y), ``seen = distortion @ true``; the windows are
            classified as if it were undone.
        peaks : bool
            Whether peaks are found in the spectra, too: what a fit of lattices begins with.

        Returns
        -------
        Classification
            For the windows in C order.

        Raises
        ------
        InputError
            If the windows are not square images of real numbers, or none are given.
        """
        blocks = list(self.classify_blocks(windows, samples, seed, distortion, peaks))
        return Classification(
            mean=np.concatenate([block.mean for block in blocks]),
            std=np.concatenate([block.std for block in blocks]),
            entropy=np.concatenate([block.entropy for block in blocks]),
            mutual_information=np.concatenate([block.mutual_information for block in blocks]),
            thinned_totals=np.sum([block.thinned_totals for block in blocks], axis=0),
            peaks=_joined([block.peaks for block in blocks]),
        )

    def classify_blocks(
        self,
        windows: NDArray[Any],
        samples: int = 100,
        seed: int = 0,
        distortion: NDArray[np.float64] | None = None,
        peaks: bool = False,
    ) -> Iterator[Classification]:
        """Classify windows block by block; parameters as for `classify`.

        Yields
        ------
        Classification
            For the next `BLOCK` windows or fewer, in C order.

        Raises
        ------
        InputError
            If windows, samples or seed are out of range.
        ModelError
            If the network's weights are not finite, or the process was forked after it was loaded.
        """
        if os.getpid() != self._process:  # threads, ours and the engine's, are not forked
            raise ModelError(
                f"The network {self.name!r} was loaded before this process was forked; start "
                "processes with the method 'spawn'."
            )
        windows = _checked(windows)
        if not (is_whole(samples) and 1 <= samples <= 5000):
            raise InputError(f"{samples} MC samples are out of range; use 1 to 5000.")
        if not (is_whole(seed) and 0 <= seed < 2**32):
            raise InputError(f"A seed of {seed} is out of range; use a whole number from 0.")
        heads = self._heads(samples, seed)
        # Spectra of the next block are taken before a block is given away: then the network is at
        # that while whoever asked looks at this.
        coming: Future[Classification] | None = None
        for block in _blocks(windows):
            spectra, found = self._spectra_block(block, distortion, peaks)
            done, coming = coming, self._ahead.submit(self._answer, block, spectra, heads, found)
            if done is not None:
                yield done.result()
        if coming is not None:
            yield coming.result()

    def features(
        self, windows: NDArray[Any], distortion: NDArray[np.float64] | None = None
    ) -> Float32:
        """Compute what the last layer decides on, without dropout.

        Parameters
        ----------
        windows, distortion
            As for `classify`.

        Returns
        -------
        ndarray, shape (n, width), float32
            For the windows in C order; 128 values each in the shipped networks.
        """
        return np.concatenate(
            [
                self._engine.last_features(
                    self._engine.trunk(self._spectra_block(block, distortion)[0])
                )[: len(block)]
                for block in _blocks(_checked(windows))
            ]
        )

    def log_odds(
        self,
        amplitude: Float32,
        label: int,
        distortion: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Compute how surely the whole network, without dropout, names a class.

        Parameters
        ----------
        amplitude : ndarray, shape (n, w, w // 2 + 1)
            Of windows, as `half_amplitude` gives it; it may have been changed.
        label : int
            Value of the class, 1 to 6.
        distortion : ndarray, shape (2, 2), optional
            As for `classify`.

        Returns
        -------
        ndarray, shape (n,)
            log(p / (1 - p)) of its probability p, in nats.
        """
        n = len(amplitude)
        spectra = self._of_amplitude(amplitude, distortion)
        spectra = np.pad(spectra, ((0, -n % _FILL), (0, 0), (0, 0)))[..., np.newaxis]
        logits = self._engine.logits(self._engine.trunk(spectra))[:n].astype(np.float64)
        others = np.delete(logits, label - 1, axis=1)
        return np.asarray(logits[:, label - 1] - logsumexp(others, axis=1))

    def _spectra_block(
        self, windows: NDArray[Any], distortion: NDArray[np.float64] | None, peaks: bool = False
    ) -> tuple[Float32, Peaks | None]:
        """Take spectra of up to `BLOCK` windows, filled up with nothing, and their peaks."""
        parts = [windows[start : start + PART] for start in range(0, len(windows), PART)]
        look = partial(self._look, distortion=distortion, peaks=peaks)
        spectra, found = zip(*self._threads.map(look, parts), strict=True)
        rest = np.zeros((-len(windows) % _FILL, *spectra[0].shape[1:]), np.float32)
        return np.concatenate([*spectra, rest])[..., np.newaxis], _joined(found)

    def _look(
        self, windows: NDArray[Any], distortion: NDArray[np.float64] | None, peaks: bool
    ) -> tuple[Float32, Peaks | None]:
        """Transform windows once, for what the network sees of them and for their peaks."""
        if not peaks:  # of the spectra fewer columns are needed
            return self._spectrum(windows, distortion), None
        pixels = standardized(windows)
        spectrum = half_spectrum(pixels)
        return self._of_amplitude(np.abs(spectrum), distortion), peaks_in(pixels, spectrum)

    def _answer(
        self,
        windows: NDArray[Any],
        spectra: Float32,
        heads: ThinnedHeads,
        peaks: Peaks | None,
    ) -> Classification:
        """Sample the network on the spectra of a block."""
        n = len(windows)
        known = analyzable(windows)
        features = self._engine.trunk(spectra)
        weights = np.zeros(n + -n % _FILL)
        weights[:n] = known
        sums = heads.sums(features, weights)
        mean = sums.probabilities[:n] / heads.samples
        std = np.sqrt(np.clip(sums.squares[:n] / heads.samples - mean**2, 0, None))
        if not np.isfinite(mean[known]).all():
            self._check_weights(heads)
        predictive = entropy(mean)
        information = np.clip(predictive - sums.entropies[:n] / heads.samples, 0, None)
        for values in (mean, std, predictive, information):
            values[~known] = np.nan
        return Classification(
            mean=mean.astype(np.float32),
            std=std.astype(np.float32),
            entropy=predictive.astype(np.float32),
            mutual_information=information.astype(np.float32),
            thinned_totals=sums.thinned_totals,
            peaks=peaks,
        )

    def _check_weights(self, heads: ThinnedHeads) -> None:
        """Tell a network that answers nothing from windows of which nothing can be told."""
        nothing = np.zeros((_FILL, *self._engine.input_shape), np.float32)
        if np.isnan(heads.sums(self._engine.trunk(nothing), np.ones(_FILL)).probabilities).any():
            raise not_finite(self.name)


def load(network: str | os.PathLike[str] = DEFAULT, engine: str = ENGINES[0]) -> Classifier:
    """Load a network once for all who ask; see `bravais.load_model`."""
    file = REGISTRY.find(os.fspath(network))
    with _LOADING:  # a thread that asks for what another loads waits for it
        return _load(file, engine)


@cache
def _load(file: NetworkFile, engine: str) -> Classifier:
    archive = file.read()
    if not is_finite(archive):
        raise not_finite(file.name)
    with guard(f"{file.path} cannot be read as a Keras network", ModelError):
        return Classifier(open_engine(archive, engine), file.name, file.sha256)


def not_finite(name: str) -> ModelError:
    """Return the error of a network whose weights, or what it makes of them, are no numbers."""
    return ModelError(
        f"The network {name!r} answers with no numbers, whatever it is shown: its weights are not "
        "finite. Choose or train another."
    )


def entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shannon entropy along the last axis, in nats."""
    p = np.clip(probabilities, 1e-12, None)
    return np.asarray(-(p * np.log(p)).sum(axis=-1))


def _joined(parts: Sequence[Peaks | None]) -> Peaks | None:
    """Join peaks, if they were asked for."""
    found = [part for part in parts if part is not None]
    return Peaks.joined(found) if found else None


def _blocks(windows: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Copy out successive blocks (n, w, w) of windows in C order."""
    grid = windows.shape[:-2]
    n = int(np.prod(grid))
    for start in range(0, n, BLOCK):
        yield windows[np.unravel_index(np.arange(start, min(start + BLOCK, n)), grid)]


def _checked(windows: NDArray[Any]) -> NDArray[Any]:
    windows = np.asarray(windows)
    shape = windows.shape
    if windows.ndim not in (3, 4) or shape[-1] != shape[-2] or 0 in shape:
        raise InputError(
            f"Windows of shape {shape} cannot be classified; give square windows (n, w, w)."
        )
    if windows.dtype.kind not in "buif":
        raise InputError(f"Windows of {windows.dtype} are not images of real numbers.")
    return windows
