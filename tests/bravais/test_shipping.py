"""What puts trained weights into the package."""

import importlib.util
import json
from pathlib import Path

import pytest

from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.networks.registry import Registry, file_sha256

TOOL = Path(__file__).parents[2] / "tools" / "ship_weights.py"


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool, which ships into a folder of its own."""
    spec = importlib.util.spec_from_file_location("ship_weights", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "registry.json").write_text(json.dumps(REGISTRY.entries))
    monkeypatch.setattr(module, "REGISTRY", Registry(folder))
    return module


def test_a_verdict_is_shipped_with_what_made_it(tool, tmp_path):
    run = tmp_path / "runs" / "judged"
    run.mkdir(parents=True)
    recipe = {"windows": 40, "epochs": 2, "judges": 5}
    settings = {"network": "verdict", "of": "compact", "seed": 3, "recipe": recipe}
    (run / "training.json").write_text(json.dumps(settings))
    (run / "compact-verdict.npz").write_bytes(b"weights")
    tool.ship(run)
    shipped = tool.REGISTRY.entries["compact"]
    assert shipped["sha256"] == REGISTRY.entries["compact"]["sha256"]
    assert shipped["verdict"] == {
        "file": "compact-verdict.npz",
        "sha256": file_sha256(run / "compact-verdict.npz"),
        "command": "lattice-symmetry train verdict --output runs/judged --seed 3 "
        "--windows 40 --epochs 2",
        "recipe": recipe,
    }
    assert (tool.REGISTRY.folder / "compact-verdict.npz").read_bytes() == b"weights"
