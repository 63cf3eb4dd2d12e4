"""From structures to the probabilities of families, with an uncertainty."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.crystals.clusters import FEWEST, cluster
from napari_lattice_symmetry.crystals.families.pairs import SIZE as PAIRS
from napari_lattice_symmetry.crystals.families.pairs import pair_descriptor
from napari_lattice_symmetry.crystals.families.prototypes import ANSWERS, FAMILIES, NONE
from napari_lattice_symmetry.crystals.families.symmetry import family_setting, is_whole
from napari_lattice_symmetry.crystals.fingerprint import SIZE, diffract
from napari_lattice_symmetry.crystals.structure import Crystal
from napari_lattice_symmetry.errors import InputError, ModelError, guard
from napari_lattice_symmetry.networks import ENGINES
from napari_lattice_symmetry.networks.engines import open_engine
from napari_lattice_symmetry.networks.registry import NetworkFile, Registry

if TYPE_CHECKING:
    from napari_lattice_symmetry.networks.engines import Engine

Float32 = NDArray[np.float32]

REGISTRY = Registry(Path(__file__).parent / "weights")

AUTO, FINGERPRINT, PAIRS_NETWORK = "auto", "fingerprint", "pairs"
"""Which network: that of the structure; that for crystals along their axes; for any orientation."""

NETWORKS = (FINGERPRINT, PAIRS_NETWORK)

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
    network : list of str
        Whose answer each is.
    remarks : list of str
        What there is to say of each, such as that two networks differ; empty if that is nothing.
    """

    mean: Float32
    std: Float32
    outside: Float32
    outside_std: Float32
    entropy: Float32
    mutual_information: Float32
    network: list[str]
    remarks: list[str]

    @property
    def probabilities(self) -> Float32:
        """The means of `FAMILIES` and of none of them, shape (n, 8)."""
        return np.concatenate([self.mean, self.outside[:, np.newaxis]], axis=1)

    @property
    def family(self) -> list[str]:
        """The most probable answer for each: a family, or ``"none"``."""
        return [ANSWERS[index] for index in self.probabilities.argmax(axis=1)]

    def __getitem__(self, index: int) -> FamilyClassification:
        """Take the answer for one structure."""
        row = slice(index, index + 1)
        return FamilyClassification(*(values[row] for values in vars(self).values()))


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
            [self.name] * len(mean),
            [""] * len(mean),
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
        With or without defects; `cluster` tells which atoms of each are looked at.
    samples : int
        Number of thinned networks, 1 to 5000.
    seed : int
        Draws what they lack.
    network : {"auto", "fingerprint", "pairs"} or path
        By default that of distances and angles for clusters, whose orientation is unknown, and
        both for what has a cell; see `counting_network` for which counts.

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
    clusters = [cluster(each) for each in crystals]
    asked = [networks_for(each) if network == AUTO else (network,) for each in crystals]
    answers: list[dict[str, FamilyClassification]] = [{} for _ in crystals]
    for name in dict.fromkeys(chain.from_iterable(asked)):
        loaded = load_families(name)
        rows = [i for i, names in enumerate(asked) if name in names]
        seen = np.stack([loaded.see(*clusters[i]) for i in rows])
        given = loaded.classify(seen, samples, seed)
        for k, i in enumerate(rows):
            answers[i][name] = given[k]
    chosen = [
        _choose(each, given, len(positions))
        for each, given, (positions, _) in zip(crystals, answers, clusters, strict=True)
    ]
    return _join(chosen)


def networks_for(crystal: Crystal) -> tuple[str, ...]:
    """Name the networks that are asked of a crystal."""
    return NETWORKS if crystal.has_cell else (PAIRS_NETWORK,)


def counting_network(crystal: Crystal, answers: Mapping[str, FamilyClassification]) -> str:
    """Return the name of the network whose answer counts for a crystal.

    Where symmetry tells the axes of a family, fingerprints count; distances and angles where these
    know none, as where elements that scatter very differently have an order. Any other cell may be
    off its conventional axes: of two that name a family, it is the surer one, and distances and
    angles count where a fingerprint knows none, unless the cell is one without defects, which
    symmetry would have told a family.
    """
    if len(answers) == 1:
        return next(iter(answers))
    aligned, turned = (answers[name] for name in NETWORKS)
    has_family = family_setting(crystal) is not None
    if aligned.family[0] == NONE:
        return FINGERPRINT if is_whole(crystal) and not has_family else PAIRS_NETWORK
    if has_family:
        return FINGERPRINT
    is_surer = turned.probabilities.max() > aligned.probabilities.max()
    return PAIRS_NETWORK if turned.family[0] != NONE and is_surer else FINGERPRINT


def difference_remark(crystal: Crystal, answers: Mapping[str, FamilyClassification]) -> str:
    """Say so where both networks answer for one structure, and differ; else nothing."""
    if len({answer.family[0] for answer in answers.values()}) < 2:
        return ""
    aligned, turned = (_describe(answers[name]) for name in NETWORKS)
    which = "first" if counting_network(crystal, answers) == FINGERPRINT else "second"
    return (
        f"The networks differ: {aligned} by fingerprint, which holds along conventional axes "
        f"alone, and {turned} by distances and angles. The {which} counts."
    )


def size_remark(atoms: int) -> str:
    """Say so where a cluster has fewer atoms than any that networks have learned from."""
    if atoms >= FEWEST:
        return ""
    return f"{atoms} atoms are few: networks have learned from {FEWEST} and more."


def _describe(answer: FamilyClassification) -> str:
    return f"{answer.family[0]} ({answer.probabilities[0].max():.2f})"


def _choose(
    crystal: Crystal, answers: Mapping[str, FamilyClassification], atoms: int
) -> FamilyClassification:
    """Return the answer that counts, with what there is to say of it."""
    remarks = (difference_remark(crystal, answers), size_remark(atoms))
    chosen = answers[counting_network(crystal, answers)]
    return replace(chosen, remarks=[" ".join(filter(None, remarks))])


def _join(answers: Sequence[FamilyClassification]) -> FamilyClassification:
    joined: dict[str, Any] = {}
    for name, first in vars(answers[0]).items():
        values = [getattr(each, name) for each in answers]
        joined[name] = list(chain(*values)) if isinstance(first, list) else np.concatenate(values)
    return FamilyClassification(**joined)
