"""Put a trained network into the package: weights, hash, and how they were made.

    python tools/ship_weights.py runs/polar

takes the folder that ``lattice-symmetry train`` filled, also for a verdict or a network that names
families. Measure it afterwards with ``make bench-accuracy``, which adds the figures; those of
families with ``make bench-crystals``.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.crystals.families.classifier import REGISTRY as FAMILIES
from napari_lattice_symmetry.networks.registry import file_sha256

DOCS_IMAGES = Path(__file__).parents[1] / "docs" / "images"


def commands(run: Path) -> list[str]:
    """Give the commands that made a training: of the one it started from, if any, and its own."""
    settings = json.loads((run / "training.json").read_text())
    recipe = settings["recipe"]
    own = (
        f"lattice-symmetry train {settings['network']} --output runs/{run.name} "
        f"--seed {settings['seed']}"
    )
    if "windows" in recipe:
        own += f" --windows {recipe['windows']} --epochs {recipe['epochs']}"
    if "start" not in settings:
        return [own]
    start = Path(settings["start"])
    return [*commands(start.parent), f"{own} --start runs/{start.parent.name}/{start.name}"]


def ship(run: Path) -> None:
    """Copy the weights of a finished training and enter them in the registry."""
    settings = json.loads((run / "training.json").read_text())
    names_families = settings.get("network") in ("fingerprint", "pairs")
    folder = (FAMILIES if names_families else REGISTRY).folder
    registry = folder / "registry.json"
    entries = json.loads(registry.read_text()) if registry.exists() else {}
    folder.mkdir(exist_ok=True)
    if names_families:
        entry = entries[settings["network"]] = ship_network(run, settings, folder)
    elif "of" in settings:
        entry = entries[settings["of"]]["verdict"] = ship_verdict(run, settings)
    else:
        entry = ship_network(run, settings, folder)
        entries[settings["network"]] = entry  # without a verdict, which knew the old weights
    registry.write_text(json.dumps(entries, indent=2) + "\n")
    file = folder / entry["file"]
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, SHA-256 {entry['sha256']}")


def ship_network(run: Path, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Copy the weights of a network; gives its entry."""
    name = settings["network"]
    with (run / "history.csv").open(newline="") as table:
        last = list(csv.DictReader(table))[-1]
    calibration = run / "calibration.json"
    shutil.copy(run / "training.png", DOCS_IMAGES / f"training-{name}.png")
    return {
        **copy(run, f"{name}.keras", folder),
        "recipe": settings["recipe"],
        "scaling": json.loads(calibration.read_text()) if calibration.exists() else None,
        "figures": {
            "validation": {
                "epochs": int(last["epoch"]),
                "top1": round(float(last["val_accuracy"]), 4),
                "top2": round(float(last["val_top2"]), 4),
            }
        },
    }


def ship_verdict(run: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Copy the weights of judges; gives their entry."""
    file = f"{settings['of']}-verdict.npz"
    return {**copy(run, file, REGISTRY.folder), "recipe": settings["recipe"]}


def copy(run: Path, name: str, folder: Path) -> dict[str, Any]:
    """Copy a file of weights; gives what there is to know of it."""
    file = folder / name
    shutil.copy(run / name, file)
    return {
        "file": name,
        "sha256": file_sha256(file),
        "command": " && ".join(commands(run)),
    }


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
