"""The shipped networks: where their weights lie, what they must hash to, who made them."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lattice_symmetry.errors import ModelError

if TYPE_CHECKING:
    from napari_lattice_symmetry.bravais.classifier import Classifier

WEIGHTS = Path(__file__).parent / "weights"


@cache
def shipped() -> dict[str, dict[str, Any]]:
    """Describe the shipped networks: name to file, sha256, command and figures."""
    entries: dict[str, dict[str, Any]] = json.loads((WEIGHTS / "registry.json").read_text())
    return entries


def file_sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(network: str | os.PathLike[str]) -> Classifier:
    """Load a shipped network by name, or any by the path of its .keras file.

    Raises
    ------
    ModelError
        If there is no such network or file, the weights are not those that were shipped, or
        the network does not fit.
    """
    name = os.fspath(network)
    if name in shipped():
        entry = shipped()[name]
        return _load(WEIGHTS / entry["file"], name, entry["sha256"])
    path = Path(name).expanduser()
    if path.suffix != ".keras":
        raise ModelError(
            f"{name!r} is no network; use {', '.join(map(repr, shipped()))} or a .keras file."
        )
    if not path.is_file():
        raise ModelError(f"{path} does not exist; a network is a .keras file.")
    return _load(path, path.stem, file_sha256(path))


@cache
def _load(path: Path, name: str, sha256: str) -> Classifier:
    found = file_sha256(path)
    if found != sha256:
        raise ModelError(
            f"{path} is not the network that was shipped (SHA-256 {found[:12]}..., expected "
            f"{sha256[:12]}...); reinstall napari-lattice-symmetry."
        )
    from napari_lattice_symmetry.bravais import networks  # noqa: F401  (registers its layers)
    from napari_lattice_symmetry.bravais.classifier import Classifier
    from napari_lattice_symmetry.networks.engine import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"{path} cannot be read as a Keras network: {error}") from error
    return Classifier(model, name, sha256)
