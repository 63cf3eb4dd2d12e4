"""Name the 2D Bravais lattice under every window of an atomically resolved movie.

The names in ``__init__.pyi`` are imported from their modules when they are first used, so that
``import napari_lattice_symmetry`` costs next to nothing.
"""

from lazy_loader import attach_stub

_get, __dir__, __all__ = attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name != "__version__":
        return _get(name)
    from importlib.metadata import version  # which takes most of the time of a start

    return version("napari-lattice-symmetry")
