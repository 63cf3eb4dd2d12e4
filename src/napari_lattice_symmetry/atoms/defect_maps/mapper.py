"""Class activation maps of a frame, in logits, and the peaks that stand out of chance."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_lattice_symmetry.atoms.defect_maps.examples import CLASSES
from napari_lattice_symmetry.atoms.defect_maps.peaks import FALSE_ALARMS, confidence_of, find_peaks
from napari_lattice_symmetry.atoms.defect_table import Defects
from napari_lattice_symmetry.atoms.finding.finder import REGISTRY
from napari_lattice_symmetry.atoms.finding.scaling import CHANNELS, SPACING, Resampling, normalize
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.networks.archive import ForeignNetworkError, Layer, read_layers
from napari_lattice_symmetry.networks.engines.onnx_engine import Run, open_session
from napari_lattice_symmetry.networks.engines.onnx_graph import Graph

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

NULL_FILE = "null.json"
"""Beside a network that was trained: how high peaks are where nothing is wrong."""

FACTOR = 4
"""Pixels that are seen, a pixel of the maps."""

SEEN = 9
"""Pixels of the maps, along a side, that see the same place: 38 of what is seen."""

EDGE = 0.5  # spacings from the border within which nothing is told
_APART = 0.7  # spacings between two defects
_ROUNDS, _BLUR, _MIN_LOGIT = 30, 0.7, 1e-3  # of the sharpening; pixels; logits


@dataclass(frozen=True)
class Null:
    """How high the evidence peaks where nothing is wrong.

    Parameters
    ----------
    threshold : float
        Height, in logits of the sharpened map, from which on a peak is told.
    scale : float
        By how much the height of a peak exceeds it on average, if it does.
    """

    threshold: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class DefectMapper:
    """The network of defects, ready to run.

    Parameters
    ----------
    run : callable
        Takes what is seen to maps.
    null : Null
        What they are where nothing is wrong.
    name, sha256 : str
        For provenance.
    """

    run: Run
    null: Null
    name: str = "defects"
    sha256: str = ""

    def evidence(self, seen: Float32) -> Float32:
        """Return what speaks for each kind of defect, and against a perfect crystal.

        Parameters
        ----------
        seen : ndarray, shape (Y, X, 2)
            As `normalize` gives it.

        Returns
        -------
        ndarray, shape (Y / 4, X / 4, 5), float32
            M_c(y, x) - M_perfect(y, x) in logits, where M_c(y, x) = sum over k of w_kc f_k(y, x)
            with the last maps f_k and the weights w_kc of the softmax.
        """
        height, width = seen.shape[:2]
        pad = ((0, -height % FACTOR), (0, -width % FACTOR), (0, 0))
        x = np.pad(seen, pad, mode="edge")[np.newaxis].transpose(0, 3, 1, 2)
        maps = self.run(seen=np.ascontiguousarray(x))[0][0].transpose(1, 2, 0)
        return np.asarray(maps[..., 1:] - maps[..., :1])

    def peaks(self, frame: Float, spacing: float) -> tuple[Float, NDArray[np.intp], Float]:
        """Find where something is wrong.

        Parameters
        ----------
        frame : ndarray, shape (Y, X)
            Gray values without gaps.
        spacing : float
            Pixels between neighbors.

        Returns
        -------
        places : ndarray, shape (n, 2)
            y and x in pixels of the frame.
        kinds : ndarray of int, shape (n,)
            Number of the kind, 0 for the first that is no perfect crystal.
        heights : ndarray, shape (n,)
            Of the sharpened map.
        """
        evidence, resampling = self.in_frame(frame, spacing)
        total = sharpened(evidence)
        cells, heights = find_peaks(total, self.null.threshold, _APART * SPACING / FACTOR)
        places = resampling.to_frame(FACTOR * cells + (FACTOR - 1) / 2)
        edge = EDGE * spacing
        inside = ((places >= edge) & (places <= np.array(frame.shape) - 1 - edge)).all(axis=1)
        rows, columns = np.rint(cells[inside]).astype(np.intp).T
        blur = SPACING / FACTOR
        kind = gaussian_filter(evidence, (blur, blur, 0), mode="nearest").argmax(axis=-1)
        return places[inside], kind[rows, columns], heights[inside]

    def in_frame(self, frame: Float, spacing: float) -> tuple[Float, Resampling]:
        """Return the evidence in a frame, and how the frame was resampled for it."""
        height, width = frame.shape
        resampling = Resampling.to_spacing((height, width), spacing)
        seen = normalize(resampling.resample(frame))
        return self.evidence(seen).astype(np.float64), resampling

    def defects(self, frame: Float, spacing: float, sites: int) -> Defects:
        """List the defects of a frame.

        Parameters
        ----------
        frame : ndarray, shape (Y, X)
            Gray values without gaps.
        spacing : float
            Pixels between neighbors.
        sites : int
            Number of atoms in the frame.
        """
        places, kinds, heights = self.peaks(frame, spacing)
        threshold, scale = self.null.threshold, self.null.scale
        confidence = confidence_of(
            heights, lambda h: FALSE_ALARMS * np.exp((threshold - h) / scale), sites
        )
        return Defects.at(np.array(CLASSES[1:])[kinds], places[:, 0], places[:, 1], confidence)


def sharpened(evidence: Float) -> Float:
    """Return where the evidence, of any kind, comes from.

    Around a defect all pixels of the maps that see it may tell of it, and its image is as large as
    what they see. That is taken back by W. H. Richardson, J. Opt. Soc. Am. 62, 55 (1972) and
    L. B. Lucy, Astron. J. 79, 745 (1974).

    Parameters
    ----------
    evidence : ndarray, shape (Y, X, 5)
        As `DefectMapper.evidence` gives it.

    Returns
    -------
    ndarray, shape (Y, X)
        Not negative.
    """
    from skimage.restoration import richardson_lucy

    total = np.pad(np.clip(evidence.max(axis=-1), 0, None), SEEN) + _MIN_LOGIT
    square = np.full((SEEN, SEEN), 1 / SEEN**2)
    sharp = richardson_lucy(total, square, num_iter=_ROUNDS, clip=False)
    return np.asarray(gaussian_filter(sharp[SEEN:-SEEN, SEEN:-SEEN], _BLUR))


def open_mapper(
    archive: bytes, null: Null, name: str = "defects", sha256: str = ""
) -> DefectMapper:
    """Return the network of a .keras file, ready to run.

    Raises
    ------
    ModelError
        If it is no network of this kind.
    """
    try:
        first, *layers = read_layers(archive)
        if first.kind != "InputLayer" or first.settings["batch_shape"][-1] != CHANNELS:
            raise ForeignNetworkError(f"an input other than {CHANNELS} channels")
        return DefectMapper(open_session(_graph(layers)), null, name, sha256)
    except (ForeignNetworkError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"This is no network that maps defects ({error}); "
            "one is made by: lattice-symmetry train defects."
        ) from error


def _graph(layers: list[Layer]) -> bytes:
    """Translate convolutions and poolings, and the weights of the softmax as one more."""
    graph, x = Graph(), "seen"
    *maps, pooling, softmax = layers
    if not (pooling.kind.startswith("Global") and softmax.kind == "Dense"):
        raise ForeignNetworkError("a head other than a global average")
    for layer in maps:
        settings = layer.settings
        if layer.kind == "MaxPooling2D":
            size = settings["pool_size"]
            x = graph.add("MaxPool", x, kernel_shape=size, strides=size)
        elif layer.kind == "Conv2D" and settings["padding"] == "same":
            kernel, bias = layer.weights
            dilations = settings["dilation_rate"]
            pads = [
                d * (n - 1) // 2 for d, n in zip(dilations, settings["kernel_size"], strict=True)
            ]
            kernel = kernel.transpose(3, 2, 0, 1)
            x = graph.add("Conv", x, kernel, bias, pads=[*pads, *pads], dilations=dilations)
            x = graph.activate(x, layer)
        else:
            raise ForeignNetworkError(f"a {layer.kind} layer")
    weights = softmax.weights[0].T[:, :, np.newaxis, np.newaxis]
    x = graph.add("Conv", x, weights)
    return graph.serialized({"seen": (np.float32, [1, CHANNELS, "y", "x"])}, [x])


def load_mapper(network: str | os.PathLike[str] = "defects") -> DefectMapper:
    """Load the shipped network by name, or any by the path of its .keras file.

    Parameters
    ----------
    network : str or path
        "defects" or a .keras file, with ``null.json`` beside it.

    Returns
    -------
    DefectMapper
        Loaded once and shared by later calls.

    Raises
    ------
    ModelError
        If there is no such network or file, the weights are not those that were shipped, or it is
        no network that maps defects.
    """
    return _load(os.fspath(network))


@cache
def _load(network: str) -> DefectMapper:
    file = REGISTRY.find(network)
    null = Null(**REGISTRY.notes(file, NULL_FILE).get("null", {}))
    return open_mapper(file.read(), null, file.name, file.sha256)
