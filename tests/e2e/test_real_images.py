"""The shipped weights on images of real crystals, which no training has seen."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from napari_lattice_symmetry import analyze, measure_distortion, read_movie
from napari_lattice_symmetry.cells import average_cell
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.period import dominant_period


def majority(frame, periods=10):
    """Analyze a frame in windows of so many periods; gives the class that won most windows."""
    period = dominant_period(frame)
    window = 128 if period is None else min(round(periods * period), *frame.shape)
    shares = analyze(frame, window=window, stride=window // 4, samples=20).area_shares[0]
    return list(LABELS)[int(np.argmax(shares))]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("images/STO_001_haadf_nsid.hf5", "square"),
        ("images/Si_110_haadf_5nm.png", "centered rectangular"),
        ("images/Cu2Te.tif", "rectangular"),
        ("images/Pt_single_atoms_on_amorphous_C.tif", "noise"),
        ("simulated/ai4stem_HCP_Ti_0001.npy", "hexagonal"),
    ],
)
def test_the_majority_of_windows_is_right(shared_data, file, name):
    assert majority(read_movie(shared_data / file).frame(0)) == name


@pytest.mark.parametrize("grain", [slice(0, 220), slice(292, 512)])
def test_both_grains_of_iron_are_square(shared_data, grain):
    frame = read_movie(shared_data / "images/Fe_bcc100_grainboundary.npy").frame(0)
    assert majority(frame[grain]) == "square"


SHEARED = ("images/MoS2_stem_Exp-001-5.npy", "images/stm_graphite_vasudevan2018_MOESM4.tif")


@pytest.mark.parametrize("network", ["compact", "polar"])
@pytest.mark.parametrize("file", SHEARED)
def test_sheared_crystals_are_hexagonal_after_correction(shared_data, file, network):
    frame = read_movie(shared_data / file).frame(0)
    found = measure_distortion(frame, "hexagonal")
    settings = {"window": found.window, "stride": 40, "samples": 10, "network": network}
    result = analyze(frame, **settings, distortion=found.rows, lattice_maps=True)
    hexagonal = result.labels == LABELS["hexagonal"]
    sure_of_another = (result.mean.max(axis=0) > 0.9) & ~hexagonal
    # Some windows of MoS2 are off a hexagon: there the verdict is unsure, or with `compact`, which
    # sees that too, at times sure of what the fit measures.
    tolerant = network == "polar" or "MoS2" not in file
    by_network = (result.network_labels == LABELS["hexagonal"]).mean()
    assert by_network > (0.9 if tolerant else 0.7)
    assert hexagonal.mean() > (0.7 if tolerant else 0.65)
    assert sure_of_another.mean() <= (0 if tolerant else 0.05)
    assert (result.metric_labels == result.network_labels)[sure_of_another].all()
    assert (result.metric_labels == LABELS["hexagonal"]).mean() > 0.5
    assert (result.apparent_labels == LABELS["hexagonal"]).mean() < 0.1


@pytest.mark.parametrize(
    ("file", "lattice", "name"),
    [
        ("images/Si_110_haadf_5nm.png", None, "cmm"),
        ("images/Fe_bcc100_grainboundary.npy", None, "p4m"),
        ("images/MoS2_stem_Exp-001-5.npy", "hexagonal", "p3m1"),
        ("images/STO_001_haadf_nsid.hf5", None, "p4m"),
        ("images/stm_graphite_vasudevan2018_MOESM4.tif", "hexagonal", "p6m"),
        ("simulated/ai4stem_HCP_Ti_0001.npy", None, "p6m"),
        ("simulated/ai4stem_FCC_Cu_110.npy", None, "cmm"),
    ],
)
def test_the_plane_group_of_the_mean_cell_is_that_of_the_crystal(shared_data, file, lattice, name):
    frame = read_movie(shared_data / file).frame(0)
    side = min(round(10 * dominant_period(frame)), *frame.shape)
    cell = average_cell(WindowGrid(frame.shape, side, side).windows(frame), lattice)
    assert cell.group.name == name
    # What lens, scan and tip break is within the tolerance, and said where noise does not hide it.
    assert cell.group.departure <= 0.2
    said = "within the tolerance; the image departs from it by"
    assert (said in cell.group.remarks) == file.startswith("images")


def test_contamination_on_graphene_is_told_from_the_lattice(shared_data):
    noise, hexagonal, covered = [], [], []
    for file in sorted((shared_data / "graphene_hrtem").glob("*_LABEL.png")):
        mask = read_movie(file).frame(0) > 127
        image = read_movie(file.with_name(file.name.replace("_LABEL", "")))
        result = analyze(image, window=96, stride=32, samples=10)
        noise.append(result.mean[LABELS["noise"] - 1, 0])
        hexagonal.append(result.labels[0] == LABELS["hexagonal"])
        covered.append(result.grid.windows(mask).mean(axis=(2, 3)))
    noise, hexagonal, covered = map(np.array, (noise, hexagonal, covered))
    clean, dirty = noise[covered < 0.05], noise[covered > 0.8]
    auroc = mannwhitneyu(dirty, clean).statistic / (dirty.size * clean.size)
    assert auroc > 0.96
    assert hexagonal[covered < 0.05].mean() > 0.8
