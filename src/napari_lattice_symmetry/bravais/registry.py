"""The networks that name a Bravais lattice, as they are shipped."""

from pathlib import Path

from napari_lattice_symmetry.networks.registry import Registry

REGISTRY = Registry(Path(__file__).parent / "weights")

DEFAULT = "compact"
"""The network that is asked if no other is."""
