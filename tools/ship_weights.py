"""Put a trained network into the package: weights, hash, and how they were made.

    python tools/ship_weights.py runs/polar

takes the folder that ``lattice-symmetry train`` filled. Measure it afterwards with
``make bench-accuracy``, which adds the figures.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.networks.registry import file_sha256

DOCS_IMAGES = Path(__file__).parents[1] / "docs" / "images"


def commands(run: Path) -> list[str]:
    """Give the commands that made a training: of the one it started from, if any, and its own."""
    settings = json.loads((run / "training.json").read_text())
    recipe = settings["recipe"]
    own = (
        f"lattice-symmetry train {settings['network']} --output runs/{run.name} "
        f"--seed {settings['seed']} --windows {recipe['windows']} --epochs {recipe['epochs']}"
    )
    if "start" not in settings:
        return [own]
    start = Path(settings["start"])
    return [*commands(start.parent), f"{own} --start runs/{start.parent.name}/{start.name}"]


def ship(run: Path) -> None:
    """Copy the weights of a finished training and enter them in the registry."""
    settings = json.loads((run / "training.json").read_text())
    name, recipe = settings["network"], settings["recipe"]
    with (run / "history.csv").open(newline="") as table:
        last = list(csv.DictReader(table))[-1]
    calibration = run / "calibration.json"

    REGISTRY.folder.mkdir(exist_ok=True)
    file = REGISTRY.folder / f"{name}.keras"
    shutil.copy(run / file.name, file)
    shutil.copy(run / "training.png", DOCS_IMAGES / f"training-{name}.png")
    registry = REGISTRY.folder / "registry.json"
    entries = json.loads(registry.read_text()) if registry.exists() else {}
    entries[name] = {
        "file": file.name,
        "sha256": file_sha256(file),
        "command": " && ".join(commands(run)),
        "recipe": recipe,
        "scaling": json.loads(calibration.read_text()) if calibration.exists() else None,
        "figures": {
            "validation": {
                "epochs": int(last["epoch"]),
                "top1": round(float(last["val_accuracy"]), 4),
                "top2": round(float(last["val_top2"]), 4),
            }
        },
    }
    registry.write_text(json.dumps(entries, indent=2) + "\n")
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, SHA-256 {entries[name]['sha256']}")


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
