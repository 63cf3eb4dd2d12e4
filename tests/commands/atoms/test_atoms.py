from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.atoms import AtomImage, read_atoms, sample_movie


@pytest.fixture
def picture():
    drawn = AtomImage(material="MoS2", spacing=12, size=128, vacancies=0.03, seed=6).draw()
    frames = np.stack([drawn.image] * 2).astype(np.float32)
    tifffile.imwrite("layer.tif", frames)
    return drawn


def test_atoms_are_written_and_compared(run, picture):
    picture.atoms.save("truth.csv")
    done = run(
        *("atoms", "layer.tif", "--frame", 0, "--spacing", 12, "--pixel-size", 0.02),
        *("--to", "found.csv", "--to", "found.xyz", "--defects", "defects.csv"),
        *("--truth", "truth.csv", "--radius", 0.08),
    )
    assert done.exit_code == 0, done.output
    assert "nm (median)" in done.output
    assert "missing" in done.output
    assert "F1 0.9" in done.output or "F1 1.0" in done.output
    assert "classify them first" in done.output  # no F1 of classes that nobody told
    assert "Mo: F1" not in done.output
    found = read_atoms("found.csv")
    assert abs(len(found) - len(picture.atoms)) < 0.1 * len(found)
    assert int(Path("found.xyz").read_text().splitlines()[0]) == len(found)


def test_a_table_of_nanometers_is_compared_within_nanometers(run, picture):
    replace(picture.atoms, pixel_size=(0.0137, 0.0137)).save("truth.csv")
    words = ("atoms", "layer.tif", "--frame", 0, "--spacing", 12, "--pixel-size", 0.0137)
    truth = ("--to", "atoms.extxyz", "--overwrite", "--truth", "truth.csv", "--radius")
    done = run(*words, *truth, 0.05)
    assert done.exit_code == 0, done.output
    assert "Within 0.05 nm: precision" in done.output
    done = run(*words, *truth, 5)
    assert done.exit_code == 1
    assert "Within 5 nm almost anything pairs" in " ".join(done.output.split())


def test_all_frames_go_to_a_table_beside_the_file(run, picture):
    done = run("atoms", "layer.tif", "--spacing", 12)
    assert done.exit_code == 0, done.output
    assert "in 2 frames" in done.output
    assert set(read_atoms("layer.atoms.csv").frame.tolist()) == {0, 1}
    again = run("atoms", "layer.tif", "--spacing", 12)
    assert "overwrite" in again.output


def test_what_was_measured_is_written_and_told(run):
    sample = sample_movie(frames=2, size=128)
    tifffile.imwrite("film.tif", sample.movie.frames)
    done = run(
        *("atoms", "film.tif", "--spacing", 13.5, "--pixel-size", sample.movie.pixel_size[0]),
        *("--classes", "S,Mo", "--polarization", "S,3", "--displacements", "--grains"),
        *("--tracks", "--lives", "lives.csv", "--bonds", "bonds.csv", "--rings", "rings.csv"),
        *("--material", "MoS2", "--to", "found.csv"),
    )
    assert done.exit_code == 0, done.output
    found = read_atoms("found.csv")
    assert set(found.label.tolist()) == {"S", "Mo"}
    assert {"track", "displacement", "polarization", "grain"} <= set(found.more)
    assert len(set(found.more["track"].tolist())) < 0.6 * len(found)
    assert "of MoS2: length 0.1825 nm, angle 120\u00b0" in done.output
    assert "missing atoms:" in done.output
    assert Path("lives_counts.csv").read_text().count("\n") == 3
    assert Path("rings.csv").read_text().startswith("frame,size,y,x,area_nm2\n")


def test_symmetry_comes_from_a_result(run, picture, stand_in):
    settings = ("--window", 64, "--stride", 16, "--samples", 2)
    done = run("analyze", "layer.tif", *settings, "--output", "layer.zarr")
    assert done.exit_code == 0, done.output
    done = run("atoms", "layer.tif", "--spacing", 12, "--result", "layer.zarr", "--to", "a.csv")
    assert done.exit_code == 0, done.output
    assert "lattice_class" in read_atoms("a.csv").more
    done = run("atoms", "layer.tif", "--spacing", 12, "--result", "layer.tif", "--to", "b.csv")
    assert "not a saved result" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rings", "r.txt"], "must end in .csv"),
        (["--polarization", "S,3"], "needs the classes"),
        (["--polarization", "S", "--classes", "S,Mo"], "no class with a number of neighbors"),
        (["--spacing", 12, "--classes", "S,S"], "have to be different"),
        (["--material", "unobtainium"], "no material"),
        (["--to", "a.txt"], "must end in"),
        (["--frame", 7], "there is no frame 7"),
        (["--truth", "t.csv"], "both --truth and --radius"),
        (["--spacing", 2], "2.0 px apart"),
        (["--spacing", 12, "--to", "a.xyz"], "pixel size is not known"),
    ],
)
def test_what_cannot_be_done_is_said(run, picture, words, said):
    done = run("atoms", "layer.tif", *words)
    assert done.exit_code == 1
    assert said in " ".join(done.output.split())


def test_bad_images_and_truths_are_said_in_one_sentence(run, picture):
    tifffile.imwrite("empty.tif", np.full((96, 96), 7, np.float32))
    noise = np.random.default_rng(0).normal(size=(96, 96)).astype(np.float32)
    tifffile.imwrite("noise.tif", noise)
    size = (0.02, 0.02)
    replace(picture.atoms, pixel_size=size).save("truth.csv")
    replace(picture.atoms, pixel_size=size).save("truth.xyz")
    angstrom = Path("truth.xyz").read_text().replace("lengths in nm", "by another program")
    Path("angstrom.xyz").write_text(angstrom)
    layer = ("atoms", "layer.tif", "--frame", 0, "--spacing", 12, "--overwrite", "--radius", 0.08)
    for words, said in (
        (("atoms", "empty.tif", "--spacing", 12), "constant or missing"),
        (("atoms", "noise.tif"), "spacing"),
        ((*layer, "--pixel-size", 0.03, "--truth", "truth.csv"), "made with pixels of 0.02"),
        ((*layer, "--pixel-size", 0.02, "--truth", "angstrom.xyz"), "may be in angstrom"),
    ):
        done = run(*words)
        assert done.exit_code == 1
        (sentence,) = [line for line in done.output.splitlines() if line.startswith("Error")]
        assert said in sentence
