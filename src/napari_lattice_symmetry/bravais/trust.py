"""How far judges are believed: as far as they were right in situations like this one.

Judges are taught with much that is rare under a microscope, which makes them timid where network
and fit agree on something ordinary. So their logits have a factor, and that of noise a shift, in
each situation that can be told without knowing where a window comes from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from napari_lattice_symmetry.bravais.evidence import Said
from napari_lattice_symmetry.lattice.classes import CLASSES

Float = NDArray[np.float64]

SITUATIONS = (
    "network and judges name the same lattice, and a fit without a flag",
    "the same, with a tolerance of 0",
    "network and judges say noise, there is no fit, and nothing repeats",
    "the same, but something repeats",
    "any other",
)
"""In which a window may be."""

_ORDINARY = (0, 1, 2)

_NOISE = CLASSES.index("noise")
_REPEATS = 0.2  # `repetition` from which a window is no plain noise
_SIMPLEX = ((1.0, 0.0), (1.5, 0.0), (1.0, 0.8))  # to begin the search with
_AS_THEY_ARE = (1.0, 0.0)


def mean_answer(logits: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the class index (n,) of which judges (judges, n, 6) are surest together."""
    return np.asarray(softmax(logits, axis=-1).mean(axis=0).argmax(axis=-1))


def situations(
    seen: NDArray[np.floating], answer: NDArray[np.intp], repeating: NDArray[np.floating]
) -> NDArray[np.intp]:
    """Tell in which of `SITUATIONS` windows are.

    Parameters
    ----------
    seen : ndarray, shape (n, m)
        Their evidence.
    answer : ndarray, shape (n,)
        Class indices that the judges name.
    repeating : ndarray, shape (n,)
        What `repetition` says of them.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    said = Said.in_evidence(seen)
    agreed = said.network == answer
    lattice = agreed & said.resolved & ~said.flagged
    noise = agreed & ~said.resolved & (answer == _NOISE)
    repeats = repeating > _REPEATS
    return np.select([lattice & ~said.exact, lattice, noise & ~repeats, noise], [0, 1, 2, 3], 4)


def believed(logits: NDArray[np.floating], trust: NDArray[np.floating]) -> Float:
    """Return probabilities (judges, n, 6) of logits with factor and shift, shape (n, 2) or (2,)."""
    scaled = trust[..., :1] * logits.astype(np.float64)
    scaled[..., _NOISE] += trust[..., 1]
    return np.asarray(softmax(scaled, axis=-1))


def find_trust(
    logits: NDArray[np.floating],
    targets: NDArray[np.floating],
    weights: NDArray[np.floating],
    situation: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Find the trust with the least log loss of the mean over judges.

    Parameters
    ----------
    logits : ndarray, shape (judges, n, 6)
        Of windows that taught nothing.
    targets : ndarray, shape (n, 6)
        What is right to say of them.
    weights : ndarray, shape (n,)
        How much each of them counts where network and judges agree on a lattice or plain noise;
        in other situations they count alike.
    situation : ndarray of int, shape (n,)
        As `situations` gives them.

    Returns
    -------
    ndarray, shape (5, 2), float32
    """
    trust = []
    for i in range(len(SITUATIONS)):
        here = situation == i
        counts = weights[here] if i in _ORDINARY else np.ones(here.sum())
        trust.append(_least_loss(logits[:, here], targets[here], counts))
    return np.array(trust, dtype=np.float32)


def _least_loss(logits: Any, targets: Any, weights: Any) -> tuple[float, float]:
    def loss(trust: Float) -> float:
        mean = believed(logits, trust).mean(axis=0)
        of_each = -(targets * np.log(mean + 1e-9)).sum(axis=1)
        return float((weights * of_each).sum() / weights.sum())

    if not weights.sum() > 0:
        return _AS_THEY_ARE
    options: Any = {"xatol": 0.01, "fatol": 1e-6, "maxiter": 100, "initial_simplex": _SIMPLEX}
    factor, shift = minimize(loss, np.array(_AS_THEY_ARE), method="Nelder-Mead", options=options).x
    return float(factor), float(shift)
