"""Where a result comes from, so that it can be judged and made again."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie

PACKAGES = [
    "napari-lattice-symmetry",
    "numpy",
    "scipy",
    "onnxruntime",
    "keras",
    "tensorflow",
    "zarr",
]

CHOICE = ("dataset", "channel", "frames_are")
"""What had to be chosen of a file that holds several movies, in the provenance."""


class Network(Protocol):
    """What is to be known of the network behind a result."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def sha256(self) -> str:
        """Of its weights."""

    @property
    def engine(self) -> str:
        """What runs it, with its version."""


@cache
def _installed(package: str) -> str:
    """Return the version of a package: read from its files once, which takes milliseconds."""
    try:
        return version(package)
    except PackageNotFoundError:  # another Keras backend, or not installed by a packager
        return "not installed"


def versions(network: Network | None = None) -> dict[str, str]:
    """Return the versions of Python, of what the numbers depend on, and of what runs a network."""
    found = {"python": platform.python_version()}
    found |= {package: _installed(package) for package in PACKAGES}
    return found if network is None else {**found, "engine": network.engine}


def provenance(model: Network, movie: Movie, parameters: AnalysisParameters) -> dict[str, Any]:
    """Describe an analysis, in values that JSON knows.

    Returns
    -------
    dict
        ``versions`` (with the engine's), ``network``, ``weights_sha256``, ``verdict_sha256`` (None
        where the answer is the network's), ``seed``, ``source`` (None for an array),
        ``source_bytes`` and ``source_modified`` (ISO 8601, UTC; None of what is no file),
        ``dataset``, ``channel``, ``frames_are`` (None where nothing had to be chosen),
        ``calibration_source``, ``movie_sha256`` (its fingerprint) and ``created`` (ISO 8601, UTC).
    """
    return {
        "versions": versions(model),
        "network": model.name,
        "weights_sha256": model.sha256,
        "verdict_sha256": parameters.verdict_sha256(model),
        "seed": parameters.seed,
        "source": movie.source,
        **_about_file(movie.source),
        "dataset": movie.dataset,
        "channel": movie.channel,
        "frames_are": movie.frames_are,
        "calibration_source": movie.calibration_source,
        "movie_sha256": movie.fingerprint,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _about_file(source: str | None) -> dict[str, Any]:
    size, modified = None, None
    if source is not None and os.path.isfile(source):  # noqa: PTH113, of any text, and never raises
        stat = Path(source).stat()
        size = stat.st_size
        modified = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
    return {"source_bytes": size, "source_modified": modified}
