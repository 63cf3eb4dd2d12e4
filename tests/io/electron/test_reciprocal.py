"""Diffraction patterns: whatever the format, one sentence says what they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from made_files import (
    write_gsf,
    write_gwy,
    write_hyperspy,
    write_ibw,
    write_imagej,
    write_iso28600,
    write_nexus,
    write_nid,
    write_nsid,
    write_ome,
    write_sm4,
    write_usid,
    write_wsxm,
)

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie, read_movies


def write_gatan_tiff(path, frames):
    tags = [(65003, 2, 0, "1/nm", True), (65004, 2, 0, "1/nm", True)]
    tags += [(65009, 12, 1, 0.02, True), (65010, 12, 1, 0.03, True)]
    tifffile.imwrite(path, frames[0], extratags=tags)


def write_ome_tiff(path, frames):
    lengths = {"PhysicalSizeX": 0.02, "PhysicalSizeXUnit": "1/nm"}
    tifffile.imwrite(path, frames, metadata={"axes": "TYX", **lengths})


def write_sidecar(path, frames):
    np.save(path, frames)
    facts = {"pixel_size": 0.02, "pixel_size_units": "1/nm", "field_of_view": 1}
    path.with_suffix(".json").write_text(json.dumps(facts))


def write_usid_patterns(path, frames):
    y, x = np.indices((24, 32))
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    write_usid(path, frames[0].reshape(-1, 1), places, 1, unit="1/nm")


NSID_AXES = [("t", "TEMPORAL", "s", 1), ("y", "SPATIAL", "1/nm", 1), ("x", "SPATIAL", "1/nm", 1)]
HYPERSPY_AXES = [("t", 1, "s", True), ("y", 0.02, "1/nm", False), ("x", 0.02, "1/nm", False)]
GSF_FACTS = {"XReal": 1e9, "YReal": 1e9, "XYUnits": "1/m"}
NEXUS_SCALES = {"time": (1.0, "s"), "y": (1.0, "1/nm"), "x": (1.0, "1/nm")}
WRITERS = {
    "imagej.tif": lambda path, frames: write_imagej(path, frames, unit="1/nm"),
    "superscript.tif": lambda path, frames: write_imagej(path, frames, unit="nm^-1"),
    "gatan.tif": write_gatan_tiff,
    "a.ome.tif": write_ome_tiff,
    "a.ome.zarr": lambda path, frames: write_ome(path, frames, "0.4", unit="1/nm"),
    "a.gsf": lambda path, frames: write_gsf(path, frames[0], **GSF_FACTS),
    "a.gwy": lambda path, frames: write_gwy(path, {"FFT": frames[0]}, "m^-1"),
    "a.ibw": lambda path, frames: write_ibw(path, frames[0].T.astype("<f4"), "1/m"),
    "a.top": lambda path, frames: write_wsxm(path, frames[0].astype("<i2"), "short", ["1/nm"] * 2),
    "a.spm": lambda path, frames: write_iso28600(path, frames[:1], ["FFT"], ["nm^-1", "m-1"]),
    "a.nid": lambda path, frames: write_nid(
        path, frames[:1].astype("<i2"), Dim0Unit="1/m", Dim1Unit="1/m"
    ),
    "a.sm4": lambda path, frames: write_sm4(path, frames[0].astype("<i4"), unit="1/m"),
    "a.hf5": lambda path, frames: write_nsid(path, frames, NSID_AXES),
    "a.nxs": lambda path, frames: write_nexus(path, frames, ["time", "y", "x"], **NEXUS_SCALES),
    "a.h5": write_usid_patterns,
    "a.hspy": lambda path, frames: write_hyperspy(path, frames, HYPERSPY_AXES),
    "a.zspy": lambda path, frames: write_hyperspy(path, frames, HYPERSPY_AXES),
    "a.npy": write_sidecar,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("read", [read_movie, read_movies])
def test_patterns_are_refused(tmp_path, frames, name, read):
    if name == "a.ibw":
        pytest.importorskip("igor2", reason="install the extra 'spm'")
    WRITERS[name](tmp_path / name, frames)
    with pytest.raises(InputError, match=rf"^{name} is a diffraction pattern or a Fourier "):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["gatan.tif", "a.npy"])
def test_folders_of_patterns_are_refused(tmp_path, frames, name):
    (tmp_path / "run").mkdir()
    WRITERS[name](tmp_path / "run" / name, frames[:1])
    with pytest.raises(InputError, match=f"{name} is a diffraction pattern"):
        read_movie(tmp_path / "run")
