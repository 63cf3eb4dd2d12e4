"""The finder's network in ONNX Runtime."""

from __future__ import annotations

from napari_lattice_symmetry.atoms.finding.scaling import CHANNELS
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.archive import ForeignNetworkError
from napari_lattice_symmetry.networks.engines.image_engine import Float32, ImageEngine


class FinderEngine(ImageEngine):
    """The finder's network, ready to be sampled; it can be pickled.

    Parameters
    ----------
    archive : bytes
        Content of its .keras file.

    Raises
    ------
    ModelError
        If it is no network of this kind.
    """

    def __init__(self, archive: bytes) -> None:
        try:
            super().__init__(archive)
            if (self.channels, self.outputs) != (CHANNELS, 1):
                raise ForeignNetworkError(f"it takes {self.channels} channels, not {CHANNELS}")
        except ForeignNetworkError as error:
            raise ModelError(
                f"This is no network that finds atoms ({error}); "
                "one is made by: lattice-symmetry train atoms."
            ) from error

    def logits(self, seen: Float32, samples: int, seed: int = 0) -> Float32:
        """Compute a logit for every pixel by thinned networks.

        Parameters
        ----------
        seen : ndarray, shape (Y, X, 2)
            As `normalize` gives it.
        samples : int
            Number of thinned networks; 0 for the whole one.
        seed : int
            Draws their masks.

        Returns
        -------
        ndarray, shape (max(samples, 1), Y, X), float32
        """
        return super().logits(seen, samples, seed)[:, 0]
