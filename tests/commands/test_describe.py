from __future__ import annotations

import json

import numpy as np
from click.testing import CliRunner

from napari_lattice_symmetry import cli


def test_info_tells_where_the_calibration_is_from(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(2, 64, 64)))
    told = CliRunner().invoke(cli.main, ["info", str(tmp_path / "a.npy")]).stdout
    assert "calibration from: nothing in the file" in told
    (tmp_path / "a.json").write_text(json.dumps({"pixel_size": 20, "pixel_size_units": "pm"}))
    told = CliRunner().invoke(cli.main, ["info", str(tmp_path / "a.npy")]).stdout
    assert "pixel size: 0.02 x 0.02 nm" in told
    assert "calibration from: a.json" in told
