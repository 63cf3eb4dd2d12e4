"""From structures to the probabilities of families, with an uncertainty."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.families.pairs import SIZE as PAIRS
from napari_lattice_symmetry.crystals.families.pairs import pair_descriptor
from napari_lattice_symmetry.crystals.families.prototypes import ANSWERS, FAMILIES
from napari_lattice_symmetry.crystals.fingerprint import SIZE, cluster, diffract
from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.errors import InputError, ModelError, guard
from napari_lattice_symmetry.networks.engine import ENGINES, open_engine
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry

if TYPE_CHECKING:
    from napari_lattice_symmetry.networks.engine import Engine

Float32 = NDArray[np.float32]

REGISTRY = Registry(Path(__file__).parent / "weights")

AUTO, FINGERPRINT, PAIRS_NETWORK = "auto", "fingerprint", "pairs"
"""Which network: that of the structure; that for crystals along their axes; for any orientation."""

_SHAPES = {FINGERPRINT: (SIZE, SIZE, 3), PAIRS_NETWORK: (PAIRS,)}
_BLOCK = 256
_MAX_SAMPLES = 5000
_LOADING = Lock()


@dataclass(frozen=True, eq=False)
class FamilyClassification:
    """What the thinned networks say of n structures.

    Parameters
    ----------
    mean, std : ndarray, shape (n, 7), float32
        Mean and standard deviation of the probabilities of `FAMILIES` over the thinned networks.
        With `outside` the means add up to 1.
    outside : ndarray, shape (n,), float32
        Mean probability that a structure is of none of the families.
    outside_std : ndarray, shape (n,), float32
        Its standard deviation.
    entropy : ndarray, shape (n,), float32
        Of all eight means, in nats: all uncertainty.
    mutual_information : ndarray, shape (n,), float32
        The part of it on which the thinned networks disagree, in nats.
    """

    mean: Float32
    std: Float32
    outside: Float32
    outside_std: Float32
    entropy: Float32
    mutual_information: Float32

    @property
    def probabilities(self) -> Float32:
        """The means of `FAMILIES` and of none of them, shape (n, 8)."""
        return np.concatenate([self.mean, self.outside[:, np.newaxis]], axis=1)

    @property
    def family(self) -> list[str]:
        """The most probable answer for each: a family, or ``"none"``."""
        return [ANSWERS[index] for index in self.probabilities.argmax(axis=1)]


class FamilyClassifier:
    """A trained network that names families, ready to be sampled.

    Parameters
    ----------
    engine : Engine
        Runs it.
    name : str
        Of the network.

    Raises
    ------
    ModelError
        If it does not take what is made of structures, or does not give eight probabilities.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        kinds = [kind for kind, shape in _SHAPES.items() if shape == engine.input_shape]
        if not kinds or engine.n_outputs != len(ANSWERS):
            raise ModelError(
                f"{name}: a network from {engine.input_shape} to {engine.n_outputs} values names "
                f"no families; it must take {' or '.join(map(str, _SHAPES.values()))} and give "
                f"{len(ANSWERS)} probabilities."
            )
        self.name, self.kind, self.engine = name, kinds[0], engine

    def see(self, positions: NDArray[np.float64], symbols: list[str]) -> Float32:
        """Return what the network sees of a cluster: a fingerprint, or distances and angles."""
        if self.kind == FINGERPRINT:
            return diffract(positions, symbols)
        return pair_descriptor(positions)

    def classify(self, inputs: Float32, samples: int = 100, seed: int = 0) -> FamilyClassification:
        """Return the probabilities of what `see` gives, shape (n, ...).

        Parameters
        ----------
        inputs : ndarray, shape (n, ...), float32
            One of each structure.
        samples : int
            Number of thinned networks, 1 to 5000.
        seed : int
            Draws what they lack.

        Raises
        ------
        InputError
            If the number of samples is out of range.
        """
        if not 1 <= samples <= _MAX_SAMPLES:
            raise InputError(f"{samples} MC samples are out of range; use 1 to {_MAX_SAMPLES}.")
        heads = self.engine.heads(samples, seed)
        sums = [
            heads.sums(self.engine.trunk(block), np.ones(len(block)))
            for block in (inputs[i : i + _BLOCK] for i in range(0, len(inputs), _BLOCK))
        ]
        mean = np.concatenate([each.probabilities for each in sums]) / samples
        squares = np.concatenate([each.squares for each in sums]) / samples
        spread = np.sqrt(np.clip(squares - mean**2, 0, None)).astype(np.float32)
        families = slice(len(FAMILIES))
        entropy = -(mean * np.log(np.maximum(mean, 1e-12))).sum(axis=1)
        expected = np.concatenate([each.entropies for each in sums]) / samples
        return FamilyClassification(
            mean[:, families].astype(np.float32),
            spread[:, families],
            mean[:, -1].astype(np.float32),
            spread[:, -1],
            entropy.astype(np.float32),
            np.clip(entropy - expected, 0, None).astype(np.float32),
        )


def load_families(
    network: str | os.PathLike[str] = FINGERPRINT, engine: str = ENGINES[0]
) -> FamilyClassifier:
    """Return a shipped network by name, or any by the path of its .keras file.

    Parameters
    ----------
    network : {"fingerprint", "pairs"} or path
        For crystals along their axes, or for clusters in any orientation.
    engine : {"onnx", "tensorflow"}
        What runs it.

    Returns
    -------
    FamilyClassifier
        Loaded once and shared by later calls.

    Raises
    ------
    ModelError
        If there is no such network, or its weights are not those that were shipped.
    """
    file = REGISTRY.find(os.fspath(network))
    with _LOADING:
        return _load(file, engine)


@cache
def _load(file: NetworkFile, engine: str) -> FamilyClassifier:
    archive = file.read()
    with guard(f"{file.path} cannot be read as a Keras network", ModelError):
        return FamilyClassifier(open_engine(archive, engine), file.name)


def classify(
    crystals: Sequence[Crystal], samples: int = 100, seed: int = 0, network: str = AUTO
) -> FamilyClassification:
    """Return which family of structures each crystal belongs to, if any, and how sure that is.

    Parameters
    ----------
    crystals : sequence of Crystal
        With or without defects. Of one with symmetry the standard cell is repeated; one without,
        such as a supercell with vacancies, is taken as it lies.
    samples : int
        Number of thinned networks, 1 to 5000.
    seed : int
        Draws what they lack.
    network : {"auto", "fingerprint", "pairs"} or path
        By default fingerprints for crystals with a cell, and for clusters, whose orientation is
        unknown, the network of distances and angles.

    Returns
    -------
    FamilyClassification
        For the crystals in their order.

    Raises
    ------
    InputError
        If there is no crystal, or one has fewer than two atoms.
    ModelError
        If the network cannot be loaded.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> silicon = nls.crystals.prototype("Si")
    >>> answer = nls.crystals.classify([silicon], samples=20)
    >>> answer.family, answer.mean.shape
    (['diamond'], (1, 7))
    """
    if not len(crystals):
        raise InputError("There is no crystal to classify; give at least one.")
    names = [_network_for(each) if network == AUTO else network for each in crystals]
    fields: dict[str, Float32] = {}
    for name in dict.fromkeys(names):
        loaded = load_families(name)
        rows = [i for i, each in enumerate(names) if each == name]
        seen = np.stack([loaded.see(*cluster(crystals[i])) for i in rows])
        for field, values in vars(loaded.classify(seen, samples, seed)).items():
            all_values = fields.setdefault(
                field, np.empty((len(crystals), *values.shape[1:]), np.float32)
            )
            all_values[rows] = values
    return FamilyClassification(**fields)


def _network_for(crystal: Crystal) -> str:
    return FINGERPRINT if crystal.has_cell else PAIRS_NETWORK
