from __future__ import annotations

import json

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, find_defects, map_defects
from napari_lattice_symmetry.atoms.defect_maps.examples import (
    CHUNK,
    CLASSES,
    CROP,
    HELD_OUT,
    TRAINED,
    CropChunk,
    draw_crops,
    named_defects,
)
from napari_lattice_symmetry.atoms.defect_maps.mapper import (
    FACTOR,
    Null,
    load_mapper,
    open_mapper,
    sharpened,
)
from napari_lattice_symmetry.atoms.defect_maps.peaks import find_peaks
from napari_lattice_symmetry.atoms.finding.finder import REGISTRY
from napari_lattice_symmetry.atoms.score import match


def draw(**settings):
    settings = {"material": "graphene", "spacing": 10, "size": 200, "seed": 4} | settings
    return AtomImage(**settings).draw()


def test_crops_follow_from_their_numbers_and_show_no_structure_that_is_held_out():
    (one, labels), (other, _) = (CropChunk(3, 0, 1, ("hBN", "Cu [001]")).draw() for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (CHUNK, CROP, CROP, 2)
    assert {CLASSES.index("perfect"), CLASSES.index("missing")} <= set(labels.tolist())
    assert not set(TRAINED) & set(HELD_OUT)
    assert CropChunk(0, 0, 0).materials == TRAINED


@pytest.mark.parametrize("kind", ["missing", "rotated bond"])
def test_a_label_says_whether_a_defect_lies_well_within_the_crop(kind):
    crops = draw_crops(np.random.default_rng(2), "hBN", kind)
    told = [CLASSES[label] for label in crops.labels]
    assert set(told) <= {"perfect", kind}
    for name, places in zip(told, crops.places, strict=True):
        well = ((places > 4) & (places < CROP - 4)).all(axis=1)
        assert well.any() == (name == kind)
        assert len(places) == 0 or name == kind


def test_defects_have_the_names_by_which_they_are_told():
    picture = draw(vacancies=0.03, lighter=0.03, heavier=0.03, adatoms=0.05)
    named = named_defects(picture)
    assert set(named.kind) <= set(CLASSES[1:])
    assert (named.kind == "missing").sum() == (picture.defects.kind == "vacancy").sum()
    between = picture.atoms[
        (picture.atoms.label == "X") & (picture.atoms.more["defect"] == "adatom")
    ]
    assert (named.kind == "extra").sum() == len(between) > 0


@pytest.mark.parametrize("material", ["graphene", "MoSe2"])
def test_maps_of_structures_that_no_training_saw_point_at_vacancies(material):
    picture = draw(material=material, vacancies=0.02, counts=100)
    told = find_defects(picture.image, picture.atoms, method="activation")
    true, own = (np.stack([each.y, each.x], axis=1) for each in (picture.defects, told))
    inner = ((true > 12) & (true < 187)).all(axis=1)
    assert inner.sum() > 2
    _, columns = match(own, true, 10)
    assert np.isin(np.flatnonzero(inner), columns).mean() >= 0.5
    assert ((told.confidence >= 0) & (told.confidence <= 1)).all()


def test_no_defect_here_is_an_answer():
    false = sites = 0
    for seed, material in enumerate(("graphene", "MoS2", "Au [001]")):
        picture = draw(material=material, seed=seed, counts=50)
        false += len(find_defects(picture.image, picture.atoms, method="activation"))
        sites += len(picture.atoms)
    assert false <= 6 * sites / 1000
    picture = draw(vacancies=0.03)
    deaf = open_mapper(REGISTRY.find("defects").read(), Null(1e6))
    assert not len(deaf.defects(picture.image, 10, len(picture.atoms)))


def test_maps_of_frames_lie_on_the_frame_and_say_what_is_told():
    pictures = [draw(vacancies=0.03, seed=4), draw(seed=5)]
    movie = np.stack([each.image for each in pictures])
    atoms = pictures[0].atoms
    maps = map_defects(movie, atoms)
    assert maps.kinds == CLASSES[1:]
    assert maps.evidence.shape == (2, len(maps.kinds), *maps.sharpened.shape[1:])
    assert not maps.evidence[1].any()  # no atoms were found there
    np.testing.assert_allclose(np.array(maps.factors) * maps.sharpened.shape[1:], 200, atol=5)
    told = find_defects(movie, atoms, method="activation")
    cells = (np.stack([told.y, told.x], axis=1) + 0.5) / maps.factors - 0.5
    rows, columns = cells.round().astype(int).T
    assert (maps.sharpened[0, rows, columns] > maps.threshold).all()
    with pytest.raises(nls.LatticeSymmetryError, match="has 1 frames"):
        map_defects(movie[0], atoms.with_columns(frame=np.ones(len(atoms), np.int64)))


def test_the_registry_says_what_the_null_is():
    entry = REGISTRY.entries["defects"]
    assert load_mapper().null == Null(**entry["null"])
    assert load_mapper().null.scale > 0
    assert (REGISTRY.folder / entry["file"]).stat().st_size < 2e6
    with pytest.raises(nls.LatticeSymmetryError, match="no network that maps defects"):
        open_mapper(REGISTRY.find("atoms").read(), Null())


def test_sharpening_tells_two_defects_apart_whose_images_touch():
    evidence = np.full((40, 40, 5), -5.0)
    for row, column in ((15, 12), (15, 20)):
        evidence[row - 4 : row + 5, column - 4 : column + 5, 1] = 20
    places, heights = find_peaks(sharpened(evidence), 20, 2)
    assert sorted(places.round().tolist()) == [[15, 12], [15, 20]]
    assert (heights > 100).all()


@pytest.mark.slow
def test_maps_add_up_to_the_logits_and_a_training_goes_on(tmp_path, monkeypatch):
    from napari_lattice_symmetry.atoms.defect_maps import training
    from napari_lattice_symmetry.networks import drawing
    from napari_lattice_symmetry.networks.engines.keras_engine import load_network

    small = training.replace(training.RECIPE, validation=240, filters=2, materials=("Cu [001]",))
    monkeypatch.setattr(drawing, "draw_chunks", lambda orders, _: (each.draw() for each in orders))
    monkeypatch.setattr(training, "measure_null", lambda *_: Null(1.0, 2.0))
    settings = {"crops": 240, "epochs": 1, "recipe": small, "progress": False}
    path = training.train_defects(tmp_path / "run", **settings)
    assert json.loads(path.with_name("null.json").read_text())["null"]["threshold"] == 1.0
    assert training.train_defects(tmp_path / "run", **settings) == path
    with pytest.raises(nls.LatticeSymmetryError, match="other settings"):
        training.train_defects(tmp_path / "run", **settings | {"epochs": 2})
    mapper, network = load_mapper(path), load_network(path.read_bytes())
    assert mapper.null == Null(1.0, 2.0)
    seen, _ = CropChunk(0, 0, 0, ("Cu [001]",)).draw()
    crop = seen[0].astype(np.float32)
    evidence = mapper.evidence(crop)
    assert evidence.shape == (CROP // FACTOR, CROP // FACTOR, len(CLASSES) - 1)
    bias = network.layers[-1].get_weights()[1]
    logits = network.predict(crop[np.newaxis], verbose=0)[0]
    means = evidence.mean(axis=(0, 1)) + bias[1:] - bias[0]
    np.testing.assert_allclose(means, logits[1:] - logits[0], atol=1e-4)
