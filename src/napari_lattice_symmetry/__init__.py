"""Name the 2D Bravais lattice under every window of an atomically resolved movie.

The names in ``__init__.pyi`` are imported from their modules when they are first used, so that
``import napari_lattice_symmetry`` costs next to nothing.
"""

from importlib.metadata import version

from lazy_loader import attach_stub

__version__ = version("napari-lattice-symmetry")
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
