"""Networks that are shipped: a folder of weights, what they must hash to, who made them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from napari_lattice_symmetry.errors import ModelError


@dataclass(frozen=True)
class NetworkFile:
    """A network on disk.

    Parameters
    ----------
    name : str
        For provenance.
    path : pathlib.Path
        A .keras file.
    sha256 : str
        What it must hash to.
    """

    name: str
    path: Path
    sha256: str

    def read(self) -> bytes:
        """Return the content of the file.

        Raises
        ------
        ModelError
            If the weights are not those that were shipped.
        """
        content = self.path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"{self.path} is not the network that was shipped (SHA-256 {found[:12]}..., "
                f"expected {self.sha256[:12]}...); reinstall napari-lattice-symmetry."
            )
        return content


class Registry:
    """The networks that one room of the package ships.

    Parameters
    ----------
    folder : pathlib.Path
        Where their .keras files lie, beside ``registry.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Name to file, sha256, command, recipe and figures."""
        entries: dict[str, dict[str, Any]] = json.loads(
            (self.folder / "registry.json").read_text(encoding="utf-8")
        )
        return entries

    def find(self, network: str) -> NetworkFile:
        """Return a shipped network by its name, or any by the path of its .keras file.

        Raises
        ------
        ModelError
            If there is no such network or file.
        """
        if network in self.entries:
            entry = self.entries[network]
            return NetworkFile(network, self.folder / entry["file"], entry["sha256"])
        path = Path(network).expanduser()
        if path.suffix != ".keras":
            raise ModelError(
                f"{network!r} is no network; use {', '.join(map(repr, self.entries))} "
                "or a .keras file."
            )
        if not path.is_file():
            raise ModelError(f"{path} does not exist; a network is a .keras file.")
        return NetworkFile(path.stem, path, file_sha256(path))

    def notes(self, file: NetworkFile, beside: str) -> dict[str, Any]:
        """Return what is known of a network: its entry, or the JSON file beside one from elsewhere.

        Parameters
        ----------
        file : NetworkFile
            As `find` gives it.
        beside : str
            Name of the JSON file that its training has left.
        """
        if file.path.parent == self.folder:
            return self.entries[file.name]
        path = file.path.with_name(beside)
        notes: dict[str, Any] = {}
        if path.is_file():
            notes = json.loads(path.read_text(encoding="utf-8"))
        return notes


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
