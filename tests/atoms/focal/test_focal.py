"""Focal series: specimens, waves, microscopes, and what is checked before and after naming."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from told_columns import Told

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms.finding.finder import CALIBRATION, REGISTRY
from napari_lattice_symmetry.atoms.focal.columns import (
    find_columns,
    iter_name_series,
    propose_pixel_size,
)
from napari_lattice_symmetry.atoms.focal.consistency import GAIN, Consistency, check_series
from napari_lattice_symmetry.atoms.focal.density import vacancies, vacancy_density
from napari_lattice_symmetry.atoms.focal.examples import (
    CROP,
    VALIDATION,
    WAVES,
    SeriesChunk,
    WaveFile,
    class_marks,
)
from napari_lattice_symmetry.atoms.focal.microscope import Microscope, resample_periodic
from napari_lattice_symmetry.atoms.focal.namer import SHIPPED, ColumnNamer, Marks, load_namer
from napari_lattice_symmetry.atoms.focal.networks import MSD_NET, U_NET, msd_net, u_net
from napari_lattice_symmetry.atoms.focal.registration import measure_shifts, register
from napari_lattice_symmetry.atoms.focal.series import FocalPicture, FocalSeries, columns_in_view
from napari_lattice_symmetry.atoms.focal.specimens.layer import METAL, PAIR, SINGLE, Specimen
from napari_lattice_symmetry.atoms.focal.specimens.multislice import exit_wave
from napari_lattice_symmetry.atoms.focal.specimens.vibration import amplitudes, coordination
from napari_lattice_symmetry.atoms.focal.training import right_marks, train_columns
from napari_lattice_symmetry.atoms.simulation.focal_sample import SAMPLE, sample_series
from napari_lattice_symmetry.atoms.table import Atoms
from napari_lattice_symmetry.errors import InputError, ModelError
from napari_lattice_symmetry.networks.engines.image_engine import ImageEngine

SERIES = FocalSeries(size=160, pixel_size=0.016, dose=2e3, drift=0.04, seed=3)


@pytest.fixture(scope="module")
def picture() -> FocalPicture:
    return SERIES.draw()


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    return exit_wave(Specimen(substrate="graphene", tilt=2, vacancies=0.1).build(1.6), 80)


def test_a_whole_layer_has_its_density_and_bonds() -> None:
    sheet = Specimen(vacancies=0, orientation=33).build(4)
    cells = 16 / (0.3161**2 * np.sqrt(3) / 2)
    inside = ((sheet.column_places >= 0) & (sheet.column_places < 4)).all(axis=1)
    for kind in (METAL, PAIR):
        assert (inside & (sheet.kind == kind)).sum() == pytest.approx(cells, rel=0.03)
    deep = ((sheet.places[:, :2] > 0.5) & (sheet.places[:, :2] < 3.5)).all(axis=1)
    bonds = coordination(sheet)
    assert set(bonds[deep & (sheet.numbers == 42)]) == {6}
    assert set(bonds[deep & (sheet.numbers == 16)]) == {3}


def test_defects_are_as_many_as_asked() -> None:
    sheet = Specimen(vacancies=0.2, double_vacancies=0.1, metal_vacancies=0.05, seed=2).build(12)
    whole = Specimen(vacancies=0).build(12)
    sites = (whole.kind == PAIR).sum()
    assert (sheet.kind == SINGLE).sum() / sites == pytest.approx(0.2, abs=0.03)
    assert (sheet.kind == PAIR).sum() / sites == pytest.approx(0.7, abs=0.03)
    assert (sheet.kind == METAL).sum() / sites == pytest.approx(0.95, abs=0.02)


def test_a_tilt_moves_upper_and_lower_atoms_apart_and_keeps_columns() -> None:
    flat, tilted = (Specimen(vacancies=0, tilt=tilt).build(2) for tilt in (0, 4))
    first = np.flatnonzero(tilted.kind == PAIR)[40]
    upper, lower = tilted.places[tilted.columns == first]
    assert np.hypot(*(upper - lower)[:2]) == pytest.approx(0.313 * np.sin(np.deg2rad(4)))
    near = (np.abs(flat.column_places - 1) < 0.5).all(axis=1)
    moved = tilted.column_places[near] - flat.column_places[near]
    assert np.abs(moved).max() < 0.5 * np.sqrt(2) * (1 - np.cos(np.deg2rad(4))) + 1e-9


def test_amplitudes_are_of_the_debye_model_and_grow_where_bonds_are_missing() -> None:
    sheet = Specimen(metal_vacancies=0.3, vacancies=0).build(3)
    wide, bonds = amplitudes(sheet), coordination(sheet)
    sulfur = sheet.numbers == 16
    inner = ((sheet.places[:, :2] > 0.3) & (sheet.places[:, :2] < 2.7)).all(axis=1)
    full = wide[sulfur & inner & (bonds == 3)]
    # Classical motion (3 k T / m k Theta2) is met from below by the quantum sum at T = Theta / 2.
    classical = 1e9 * np.sqrt(
        3 * 1.054572e-34**2 * 300 / (32.06 * 1.660539e-27 * 1.380649e-23 * 600**2)
    )
    assert np.ptp(full) < 1e-12
    assert 1 < full[0] / classical < 1.07
    two = wide[sulfur & inner & (bonds == 2)]
    assert two / full[0] == pytest.approx(np.sqrt(1.5))
    metal = wide[(sheet.numbers == 42) & (bonds == 6)][0]
    assert np.round([metal, full[0], two[0]], 4).tolist() == [0.0037, 0.0065, 0.0079]  # docs
    assert amplitudes(sheet, by_coordination=False)[sulfur & inner] == pytest.approx(full[0])


@pytest.mark.parametrize("lenses", [{}, {"focal_spread": 4}, {"astigmatism": 3.4}])
def test_images_are_those_of_abtem(wave: np.ndarray, lenses: dict[str, float]) -> None:
    import abtem

    ours = Microscope(
        **({"focal_spread": 0, "blur": 0, "astigmatism_angle": 30, "spherical": 14.29} | lenses)
    )
    theirs = abtem.waves.Waves(wave.T.copy(), energy=80e3, extent=(16, 16))
    for defocus in (-3.0, 7.0):
        transfer = abtem.CTF(
            energy=80e3,
            defocus=10 * defocus,
            Cs=14.29e4,
            focal_spread=10 * np.sqrt(2) * ours.focal_spread,  # there 1/e, here a deviation
            astigmatism=10 * ours.astigmatism,
            astigmatism_angle=np.deg2rad(30),
        )
        expected = theirs.apply_ctf(transfer).intensity().compute().array.T
        found = ours.intensity(wave, 1.6 / len(wave), defocus)
        assert np.abs(found - expected).max() < 2e-4


def test_a_drift_moves_an_image(wave: np.ndarray) -> None:
    pixel = 1.6 / len(wave)
    still = Microscope().intensity(wave, pixel, 5)
    moved = Microscope().intensity(wave, pixel, 5, (3 * pixel, -7 * pixel))
    assert np.abs(moved - np.roll(still, (3, -7), axis=(0, 1))).max() < 1e-3


def test_resampling_keeps_what_both_can_hold(wave: np.ndarray) -> None:
    smooth = resample_periodic(wave, 80)
    assert np.abs(resample_periodic(resample_periodic(smooth, 200), 80) - smooth).max() < 1e-5


def test_a_series_has_its_dose_and_is_drawn_alike_twice(picture: FocalPicture) -> None:
    again = SERIES.draw()
    assert np.array_equal(picture.images, again.images)
    assert picture.images.shape == (3, 160, 160)
    expected = SERIES.dose * (10 * SERIES.pixel_size) ** 2
    assert picture.images.mean() == pytest.approx(expected, rel=0.02)
    assert set(picture.atoms.label) == {"Mo", "2S", "S"}


def test_drift_is_measured_though_contrast_reverses(picture: FocalPicture) -> None:
    drift = measure_shifts(
        picture.images, picture.pixel_size, picture.defoci, Microscope(), reach=0.14
    )
    assert np.abs(drift - picture.drift).max() * picture.pixel_size < 0.02


def test_images_tell_foci_and_order(picture: FocalPicture) -> None:
    def check(order: list[int], off: float = 0.0) -> Consistency:
        defoci = [picture.defoci[i] + off for i in range(len(order))]
        found = check_series(
            picture.images[order], picture.pixel_size, defoci, Microscope(), reach=0.14
        )
        assert found is not None
        return found

    right = check([0, 1, 2])
    assert abs(right.offset) <= 0.5
    assert right.as_told > 0.95
    for off in (-10, -4, 4, 10):
        assert check([0, 1, 2], off).offset == pytest.approx(-off, abs=0.5)
    for order in permutations(range(3)):
        found = check(list(order))
        # Reversed images explain as much as those in order, if all foci are 1 nm off as well.
        assert 1 - found.orders[order] < GAIN * (1 - found.best)
        assert order in ((0, 1, 2), found.order, *found.others)
    assert (2, 1, 0) in right.others


def test_of_many_images_two_that_are_exchanged_are_told(picture: FocalPicture) -> None:
    rng = np.random.default_rng(3)
    wave = exit_wave(Specimen(vacancies=0.1).build(3.0), 80)
    defoci, microscope = [-6.0, -2.0, 2.0, 6.0, 10.0], Microscope()
    images = microscope.record_series(
        wave, 3.0, rng, size=200, defoci=defoci, drift=np.zeros((5, 2)), dose=1e4
    )
    for order in ([0, 1, 2, 3, 4], [0, 3, 2, 1, 4], [4, 3, 2, 1, 0]):
        found = check_series(images[order], 3.0 / 200, defoci, microscope, reach=0.1)
        assert found is not None
        assert list(found.order) == order


def test_noise_and_a_single_image_are_not_compared() -> None:
    noise = np.random.default_rng(0).poisson(50.0, (3, 128, 128)).astype(float)
    assert check_series(noise[:1], 0.016, [2], Microscope()) is None
    found = check_series(noise, 0.016, [-3, 2, 7], Microscope(), reach=0.14)
    assert found is None or found.as_told < 0.6


def test_marks_add_up_to_one() -> None:
    marks = class_marks(np.array([[8.0, 8], [8, 11], [20, 20]]), np.array([0, 1, 2]), (32, 32))
    assert marks.sum(axis=-1) == pytest.approx(1)
    assert marks[20, 20].tolist() == [0, 0, 0, 1]
    assert marks[8, 8].argmax() == 1


@pytest.mark.parametrize("build", [u_net, msd_net], ids=[U_NET, MSD_NET])
def test_onnx_gives_what_keras_gives(build: Any, tmp_path: Path) -> None:
    model = build(images=3, **({"filters": 4} if build is u_net else {"depth": 11, "width": 2}))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if "normalization" in type(layer).__name__.lower():
            layer.set_weights([rng.uniform(0.5, 1.5, each.shape) for each in layer.get_weights()])
    model.save(tmp_path / "network.keras")
    engine = pickle.loads(pickle.dumps(ImageEngine((tmp_path / "network.keras").read_bytes())))
    seen = np.random.default_rng(0).normal(size=(48, 40, 4)).astype(np.float32)
    expected = np.asarray(model(seen[None]))[0].transpose(2, 0, 1)
    assert (engine.channels, engine.outputs) == (4, 4)
    assert np.abs(engine.logits(seen, 0)[0] - expected).max() < 1e-5 * np.abs(expected).max()
    assert engine.logits(seen[:45, :39], 2).shape == (2, 4, 45, 39)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "msd"
    small = {"network": MSD_NET, "series": 25, "workers": 1, "progress": False}
    train_columns(output, epochs=1, depth=6, width=2, validation=WAVES, **small)
    return output


def test_a_training_learns_and_keeps_its_series(trained: Path) -> None:
    assert (trained / CALIBRATION).is_file()
    chunk = SeriesChunk(WaveFile(str(trained.parent / "waves"), 0, VALIDATION, 0))
    seen, marks = chunk.draw()
    assert chunk.path.is_file()
    assert seen.shape == (WAVES, CROP, CROP, 4)
    assert np.abs(marks.sum(axis=-1, dtype=int) - 255).max() <= 2
    places, kind = chunk.columns()[0]
    inside = ((places > 0) & (places < CROP - 1)).all(axis=1)
    rows, columns = np.rint(places[inside]).astype(int).T
    assert (marks[0][rows, columns][:, 1:].argmax(axis=1) == kind[inside]).mean() > 0.95


def test_marks_are_judged_by_place_and_class() -> None:
    shares = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])
    place = np.array([[10.0, 10], [30, 30], [50, 50], [70, 70]])
    marks = Marks(place, shares, np.zeros((4, 4)), np.zeros((4, 1, 1), np.float32))
    right = right_marks(marks, np.array([[11.0, 11], [30, 30], [55, 55]]), np.array([0, 2, 1]))
    assert right.tolist() == [True, False, False, False]


def test_a_series_of_other_settings_is_refused(trained: Path) -> None:
    with pytest.raises(InputError, match="another folder"):
        train_columns(trained, network=MSD_NET, series=50, progress=False)


@pytest.fixture(scope="module")
def namer(trained: Path) -> ColumnNamer:
    return load_namer(trained / "msd.keras")


def test_a_network_is_loaded_by_its_name(
    trained: Path, namer: ColumnNamer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copy(trained / "msd.keras", tmp_path)
    entry = {"file": "msd.keras", "sha256": namer.sha256, "calibration": [1, 0, 0, 0, 2]}
    monkeypatch.setattr(REGISTRY, "folder", tmp_path)
    monkeypatch.setitem(REGISTRY.entries, "msd", entry)
    named = load_namer()
    assert (named.name, named.sha256, named.weights) == ("msd", namer.sha256, (1, 0, 0, 0, 2))
    with pytest.raises(ModelError, match="'mds' is no network; use 'atoms', 'defects', 'msd'"):
        load_namer("mds")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"series": np.ones((5, 5))}, "no focal series"),
        ({"defoci": (1, 2)}, "one number in nm for each image"),
        ({"series": np.ones((2, 64, 64)), "defoci": (1, 2)}, "the network takes 3"),
        ({"pixel_size": 0.2}, "between 0.002 and 0.05 nm"),
        ({"series": np.ones((3, 160, 160))}, "constant or missing"),
        ({"series": np.ones((3, 20, 20))}, "too small"),
        ({"pixel_size": 0.0145}, r"0\.01(59|60)\d* nm would fit"),
        ({"material": "MoTe2"}, "MoTe2 is 0.352 nm"),
    ],
)
def test_what_cannot_be_right_is_refused(
    picture: FocalPicture, namer: ColumnNamer, change: dict[str, Any], words: str
) -> None:
    given = {"series": picture.images, "defoci": (-3, 2, 7), "pixel_size": 0.016} | change
    with pytest.raises(InputError, match=words):
        find_columns(**given, network=namer)


def test_confidence_follows_the_calibration(namer: ColumnNamer, picture: FocalPicture) -> None:
    marks = namer.mark(
        picture.images, picture.pixel_size, picture.defoci, SERIES.microscope, samples=3
    )
    *weights, constant = namer.weights
    expected = expit(marks.features @ np.array(weights) + constant)
    assert namer.confidence(marks) == pytest.approx(expected)
    assert namer.weights != ColumnNamer.weights
    assert marks.shares.sum(axis=1) == pytest.approx(1)
    assert marks.maps.shape == (4, 80, 80)


@pytest.fixture(scope="module")
def field() -> tuple[Any, np.ndarray]:
    """Give a specimen of 3.2 nm and the wave behind it."""
    sheet = Specimen(substrate="graphene", vacancies=0.05, orientation=21, seed=4).build(3.2)
    return sheet, exit_wave(sheet, 80)


def drifting(field: tuple[Any, np.ndarray], seed: int, dose: float) -> FocalPicture:
    """Record a series of the field, with a drift and noise of their own."""
    sheet, wave = field
    rng = np.random.default_rng(seed)
    drift = rng.normal(0, 0.04, (3, 2))
    drift -= drift[1]
    defoci, side, border, size = (-3.0, 2.0, 7.0), 0.016, 24, 152
    images = Microscope().record_series(
        wave, 3.2, rng, size=200, defoci=defoci, drift=drift, dose=dose
    )[:, border:-border, border:-border]
    atoms = columns_in_view(sheet, side, border, size)
    return FocalPicture(images, atoms, defoci, drift / side, side)


@pytest.mark.parametrize(("seed", "dose"), [(0, 1e3), (1, 1e3), (2, 1e4), (3, 1e4)])
def test_wrong_foci_are_noticed_though_images_drift(
    field: tuple[Any, np.ndarray], seed: int, dose: float
) -> None:
    picture = drifting(field, seed, dose)
    given = {"pixel_size": picture.pixel_size, "network": Told(picture)}
    assert len(find_columns(picture.images, picture.defoci, **given)) == len(picture.atoms)
    try:  # in a field as small as this the images do not always tell it
        (doubted,) = iter_name_series(picture.images[::-1], picture.defoci, **given)
        told = doubted.remark
    except InputError as error:
        told = str(error)
    assert "in the order 7, 2, -3 nm" in told
    for off, way in ((10, "lower"), (-10, "higher")):
        with pytest.raises(InputError, match=f"nm {way} than those given"):
            find_columns(picture.images, [each + off for each in picture.defoci], **given)
    with pytest.raises(InputError, match="in the order 2, -3, 7 nm"):
        find_columns(picture.images[[1, 0, 2]], picture.defoci, **given)
    other = [picture.images[0], picture.images[1].T, picture.images[2][::-1]]
    with pytest.raises(InputError, match=r"No specimen explains all images at the defoci -3, 2, 7"):
        find_columns(np.stack(other), picture.defoci, **given)


def test_orders_that_fit_as_well_are_remarked(
    picture: FocalPicture, field: tuple[Any, np.ndarray]
) -> None:
    told = [
        next(
            iter_name_series(
                each.images, each.defoci, pixel_size=each.pixel_size, network=Told(each)
            )
        ).remark
        for each in (picture, drifting(field, 3, 1e4))
    ]
    assert told[0] == "Defoci in the order 7, 2, -3 nm would fit as well; look at their order."
    assert told[1] == ""
    faint = drifting(field, 0, 5)
    given = {"pixel_size": faint.pixel_size, "network": Told(faint)}
    (named,) = iter_name_series(faint.images, faint.defoci, **given)
    assert named.remark == "Too little stands out of the noise to check the foci."


def test_series_of_several_times_are_one_table(picture: FocalPicture) -> None:
    given = {"pixel_size": picture.pixel_size, "network": Told(picture)}
    series = np.stack([picture.images, picture.images])
    found = find_columns(series, picture.defoci, **given)
    assert np.bincount(found.frame).tolist() == [len(picture.atoms)] * 2
    lost = vacancies(found)
    assert set(lost.label) == {"S"}
    assert len(lost) == 2 * (picture.atoms.label == "S").sum()
    with pytest.raises(InputError, match=r"^Series 1: .*in the order 2, -3, 7 nm"):
        find_columns(np.stack([picture.images, picture.images[[1, 0, 2]]]), picture.defoci, **given)


def test_a_density_has_the_exact_interval_of_its_count() -> None:
    shares = {f"p {name}": np.zeros(5) for name in ("Mo", "2S", "S")}
    found = Atoms.at(
        np.arange(5.0),
        np.arange(5.0),
        label=np.array(["S", "S", "S", "Mo", "S"]),
        frame=np.array([0, 0, 0, 0, 2]),
        confidence=np.array([0.9, 0.8, 0.7, 1, 1]),
        pixel_size=(0.1, 0.1),
        more=shares,
    )
    density = vacancy_density(found, (20, 30), series=3)
    assert density.area == pytest.approx(6)
    assert density.count.tolist() == [3, 0, 1]
    assert density.expected == pytest.approx([2.4, 0, 1])
    # F. Garwood's table: 3 counts are 0.619 to 8.767, none 0 to 3.689.
    assert 6 * density.low == pytest.approx([0.6187, 0, 0.0253], abs=1e-3)
    assert 6 * density.high == pytest.approx([8.7673, 3.6889, 5.5716], abs=1e-3)
    with pytest.raises(InputError, match="find_columns"):
        vacancy_density(replace(found, more={}), (20, 30))


def test_the_sample_is_drawn_as_it_says() -> None:
    picture = sample_series()
    assert picture.images.shape == (3, 256, 256)
    assert picture.images.mean() == pytest.approx(
        SAMPLE.dose * (10 * SAMPLE.pixel_size) ** 2, rel=0.02
    )
    found = find_columns(picture.images, picture.defoci, picture.pixel_size, network=Told(picture))
    assert set(found.label) == {"Mo", "2S", "S"}


def test_a_pixel_size_is_proposed_by_the_lattice() -> None:
    picture = sample_series()
    assert propose_pixel_size(picture.images, "MoS2") == pytest.approx(0.016, rel=0.02)


def test_foci_that_are_wrong_and_registered_images_out_of_order_are_refused(
    picture: FocalPicture,
) -> None:
    given = {"pixel_size": picture.pixel_size, "network": Told(picture), "register_images": False}
    images = register(picture.images, picture.drift)
    found = find_columns(images, picture.defoci, **given)
    assert found.label.tolist() == picture.atoms.label.tolist()
    with pytest.raises(InputError, match="in the order 2, -3, 7 nm"):
        find_columns(images[[1, 0, 2]], picture.defoci, **given)
    told = [each + 10 for each in picture.defoci]
    with pytest.raises(InputError, match="nm lower than those given"):
        find_columns(images, told, **given)
    assert len(find_columns(images, told, check=False, **given)) == len(found)


@pytest.mark.parametrize("network", SHIPPED)
@pytest.mark.parametrize("size", [256, 160])  # the larger one is beyond the crops of a training
def test_shipped_networks_name_columns_whatever_the_size(network: str, size: int) -> None:
    picture = SERIES.model_copy(update={"size": size}).draw()
    found = nls.atoms.find_columns(
        picture.images, defoci=picture.defoci, pixel_size=picture.pixel_size, network=network
    )
    told = nls.atoms.score(found, picture.atoms, radius=0.06)
    assert told.recall > 0.97
    assert told.precision > 0.93  # columns are found a little beyond the truth, at the border
    assert told.error < 0.012
    assert min(told.classes["Mo"].recall, told.classes["2S"].recall) > 0.95
    assert told.classes["S"].recall > 0.7
    shares = np.stack([found.more[f"p {name}"] for name in ("Mo", "2S", "S")], axis=1)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (shares.argmax(axis=1) == [["Mo", "2S", "S"].index(each) for each in found.label]).all()
