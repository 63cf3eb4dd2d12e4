"""Naming families: shipped networks, their interface, and what spglib says beside them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from ase import Atoms
from scipy import fft

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.crystals import FAMILIES, Crystal, classify, prototype
from napari_lattice_symmetry.crystals.clusters import cluster
from napari_lattice_symmetry.crystals.families.classifier import (
    FINGERPRINT,
    PAIRS_NETWORK,
    REGISTRY,
    load_families,
)
from napari_lattice_symmetry.crystals.families.defects import Defects, random_rotation
from napari_lattice_symmetry.crystals.families.trial import try_families, try_symmetry
from napari_lattice_symmetry.errors import InputError, ModelError

KNOWN = {"Po": "sc", "Cu": "fcc", "Si": "diamond", "Fe": "bcc", "Ti": "hex/rh"}


def lying(name, seed=0):
    """A cluster of a tabulated crystal, turned."""
    positions, symbols = cluster(prototype(name))
    return Crystal(name, Atoms(symbols, positions @ random_rotation(np.random.default_rng(seed))))


def test_elements_are_named_with_their_uncertainty():
    answer = nls.crystals.classify([prototype(name) for name in KNOWN], samples=30)
    assert answer.family == list(KNOWN.values())
    assert answer.mean.shape == answer.std.shape == (len(KNOWN), len(FAMILIES))
    np.testing.assert_allclose(answer.mean.sum(axis=1) + answer.outside, 1, atol=1e-5)
    np.testing.assert_array_equal(answer.probabilities[:, :-1], answer.mean)
    assert (answer.mean.max(axis=1) > 0.9).all()
    assert (answer.mutual_information >= 0).all()
    assert (answer.entropy >= answer.mutual_information - 1e-6).all()


@pytest.mark.parametrize("network", [FINGERPRINT, PAIRS_NETWORK])
def test_what_is_of_none_of_the_families_is_called_none(network):
    """Rutile, corundum and fluorite, built here of the places that the literature gives."""
    others = [prototype(name) for name in ("TiO2 (rutile)", "LaMnO3")]
    answer = classify(others, samples=50, network=network)
    assert answer.family == ["none", "none"]
    assert (answer.outside > 0.5).all()
    elements = classify([prototype(name) for name in KNOWN], samples=50, network=network)
    assert (elements.outside < 0.1).all()


def test_clusters_of_unknown_orientation_are_named_too():
    answer = classify([lying(name) for name in KNOWN], samples=30)
    assert answer.family == list(KNOWN.values())


def test_crystals_and_clusters_are_answered_in_their_order():
    mixed = classify([lying("Cu"), prototype("Fe"), lying("Si")], samples=20)
    assert mixed.family == ["fcc", "bcc", "diamond"]
    alone = classify([prototype("Fe")], samples=20)
    np.testing.assert_allclose(mixed.mean[1], alone.mean[0], atol=1e-5)


def test_seed_and_samples_decide_the_answer():
    iron = [prototype("Fe")]
    one, same, other = (classify(iron, samples=5, seed=seed).mean for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    with pytest.raises(InputError, match="out of range"):
        classify(iron, samples=0)
    with pytest.raises(InputError, match="at least one"):
        classify([])
    with pytest.raises(InputError, match="at least two atoms"):
        classify([Crystal("one", Atoms("Cu"))])


@pytest.mark.parametrize("name", [FINGERPRINT, PAIRS_NETWORK])
def test_shipped_networks_are_small_and_run_without_tensorflow(name):
    network = load_families(name)
    assert network.kind == name
    assert network.engine.name.startswith("ONNX")
    assert REGISTRY.find(name).path.stat().st_size < 3e6
    entry = REGISTRY.entries[name]
    assert entry["command"].startswith(f"lattice-symmetry train {name} ")
    assert entry["figures"]["validation"]["top1"] > 0.8


def test_a_network_for_something_else_is_refused():
    polar = nls.load_model("compact")
    with pytest.raises(ModelError, match="names no families"):
        load_families(str(_file_of(polar)))
    with pytest.raises(ModelError, match="is no network"):
        load_families("compact")


def _file_of(model):
    from napari_lattice_symmetry.bravais.registry import REGISTRY as BRAVAIS

    return BRAVAIS.find(model.name).path


def test_vacancies_end_the_answers_of_spglib_but_not_of_the_network():
    crystal, defects = prototype("Cu"), Defects(vacancies=0.25)
    assert {family for _, _, family in try_symmetry(crystal, Defects())} == {"fcc"}
    assert "fcc" not in {family for _, _, family in try_symmetry(crystal, defects)}
    trial = try_families(crystal, defects, samples=20)
    assert trial.answers[FINGERPRINT].family == trial.answers[PAIRS_NETWORK].family == ["fcc"]
    assert trial.fingerprint.shape == (64, 64, 3)
    assert trial.atoms == round(0.75 * len(cluster(crystal)[0]))


def test_a_cluster_has_no_space_group():
    assert {number for number, _, _ in try_symmetry(lying("Cu"), Defects())} == {0}


def least_time(work, times=3):
    """Processor time of all threads together, in s."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def test_a_trial_costs_what_a_few_transforms_do():
    """A slider answers at once: a trial takes some 0.1 s, that is 10 transforms of 1024 px."""
    crystal, image = prototype("Si"), np.random.default_rng(0).normal(size=(1024, 1024))
    try_families(crystal, Defects())  # networks are loaded
    trial = least_time(lambda: try_families(crystal, Defects(0.2, 0.05)))
    assert trial < 40 * least_time(lambda: fft.fft2(image))
