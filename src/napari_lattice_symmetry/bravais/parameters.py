"""All that an analysis can be told, once: values, ranges, titles and tooltips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self, TypeAlias

import numpy as np
from pydantic import field_validator

from napari_lattice_symmetry.bravais.registry import DEFAULT, REGISTRY
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.plane_groups import MIN_CELLS
from napari_lattice_symmetry.networks import EngineName
from napari_lattice_symmetry.settings import ADVANCED, SettingsModel, parse_settings, setting
from napari_lattice_symmetry.spectrum.lattice_fit import (
    MAX_PERIODS,
    MAX_TOLERANCE,
    MIN_PERIODS,
    TOLERANCE,
)

Answer: TypeAlias = Literal["verdict", "network"]

ANSWERS: dict[Answer, str] = {
    "verdict": "verdict of network and fit",
    "network": "network alone",
}
"""Whose answer a map of classes may hold, in words."""

Matrix: TypeAlias = tuple[tuple[float, float], tuple[float, float]]

BEST_PERIODS = 10
"""How many lattice periods suit a window best."""

_MIN_SUGGESTED = 64  # px: in smaller windows short periods are named wrong
_MAX_STRETCH = 4


class Weights(Protocol):
    """A network that was loaded."""

    @property
    def sha256(self) -> str:
        """Of its weights."""


class WindowParameters(SettingsModel):
    """Which windows of a frame are looked at."""

    window: int = setting(
        128,
        "Window (px)",
        "Side of the square window that slides over every frame, in pixels. "
        f"Some {MIN_PERIODS} to {MAX_PERIODS} lattice periods should fit; "
        f"about {BEST_PERIODS} is best.",
        step=8,
        ge=32,
        le=4096,
    )
    stride: int = setting(
        16,
        "Stride (px)",
        "Step from one window to the next, in pixels: one map pixel is one step.",
        ge=1,
        le=4096,
    )


class AnalysisParameters(WindowParameters):
    """Settings of one analysis; the widget, the command line and the docs are made from it.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    samples: int = setting(
        100,
        "MC samples",
        "Number of thinned networks (Monte-Carlo dropout samples) behind every "
        "mean and standard deviation.",
        ge=1,
        le=5000,
    )
    network: str = setting(
        DEFAULT,
        "Network",
        "'compact' (default), 'polar' (its teacher, slower), 'published' (the baseline of "
        "Vasudevan et al. 2018), or the path of a .keras file.",
        choices=tuple(REGISTRY.entries),
        files="Keras networks (*.keras)",
    )
    answer: Answer = setting(
        "verdict",
        "Answer",
        "Whose classes and probabilities the maps hold: 'verdict' weighs what the network and a "
        "lattice fit say of every window; 'network' is the network alone, which is quicker. The "
        "verdict was taught with 'compact' and with 'polar'; of another network its own answer is "
        "given.",
    )
    engine: EngineName = setting(
        "onnx",
        "Engine",
        "What runs the network: 'onnx' is ONNX Runtime, and TensorFlow for a network of your own "
        "with other layers than ours; 'tensorflow' is TensorFlow for all, which starts later.",
        group=ADVANCED,
    )
    seed: int = setting(
        0,
        "Seed",
        "Draws the dropout masks; the same seed gives the same maps.",
        group=ADVANCED,
        ge=0,
        lt=2**32,
    )
    first_frame: int = setting(
        0,
        "First frame",
        "Index of the first frame to analyze, from 0.",
        group=ADVANCED,
        of_one_image=True,
        ge=0,
    )
    last_frame: int | None = setting(
        None,
        "Last frame",
        "Index of the last frame to analyze, itself included; the end if not given.",
        group=ADVANCED,
        none="end",
        of_one_image=True,
        ge=0,
    )
    frame_step: int = setting(
        1, "Frame step", "Analyze every n-th frame.", group=ADVANCED, of_one_image=True, ge=1
    )
    distortion: Matrix | None = setting(
        None,
        "Distortion",
        "What drift and a skewed scan did to the image, as the rows of the 2 x 2 matrix that "
        "turns true positions (x, y) into those seen. Every spectrum is read as if it were undone.",
        group=ADVANCED,
        of_one_image=True,
    )
    lattice_maps: bool = setting(
        False,
        "Lattice fit",
        "Also fit a lattice to the spectrum of every window, without the network: "
        "maps of a, b, gamma, orientation, the class of the metric, and where the two disagree.",
        group=ADVANCED,
    )
    plane_groups: bool = setting(
        False,
        "Plane groups",
        "Also name the plane group of every window, without the network: maps of the group, its "
        f"probability, and how far the image departs from it. At least {MIN_CELLS} cells should "
        "fit into the side of a window.",
        group=ADVANCED,
    )
    tolerance: float = setting(
        TOLERANCE,
        "Tolerance",
        "How far a lattice may be from a symmetry to be named after it, by verdict and fit: as "
        "the logarithm of a ratio of sides, or the cosine of an angle, so 0.04 is 4 % or 2.3 "
        "degrees. With 0 a verdict is as tight as the errors of the fit allow.",
        group=ADVANCED,
        step=0.005,
        ge=0,
        le=MAX_TOLERANCE,
    )

    @field_validator("distortion")
    @classmethod
    def _check_distortion(cls, value: Matrix | None) -> Matrix | None:
        if value is not None:
            stretch = np.linalg.svd(np.array(value), compute_uv=False)
            if not (np.isfinite(stretch).all() and stretch[0] < _MAX_STRETCH * stretch[-1]):
                raise ValueError(
                    "a distortion is an invertible matrix that stretches one direction at most "
                    f"{_MAX_STRETCH} times as much as another"
                )
        return value

    @property
    def is_verdict(self) -> bool:
        """Whether the answer is the verdict."""
        return self.answer == "verdict"

    def verdict_sha256(self, model: Weights) -> str | None:
        """Return the hash of what weighs a network and the fit.

        Parameters
        ----------
        model : Classifier
            The network that is asked.

        Returns
        -------
        str or None
            None where the network alone answers.
        """
        judges: dict[str, str] = {
            entry["sha256"]: entry["verdict"]["sha256"]
            for entry in REGISTRY.entries.values()
            if "verdict" in entry
        }
        return judges.get(model.sha256) if self.is_verdict else None

    def answerable(self, model: Weights | None = None) -> Self:
        """Return the same with the answer that can be given.

        Parameters
        ----------
        model : Classifier, optional
            The network that is asked, if it is loaded.

        Returns
        -------
        AnalysisParameters
            With the network's own answer, unless those who give verdicts know the network.
        """
        known = {
            name: entry["sha256"] for name, entry in REGISTRY.entries.items() if "verdict" in entry
        }
        if self.network in known if model is None else model.sha256 in known.values():
            return self
        return self.model_copy(update={"answer": "network"})

    def of_network(self) -> Self:
        """Return the same without what the network does not say."""
        return self.model_copy(
            update={"answer": "network", "lattice_maps": False, "plane_groups": False}
        )

    def frame_indices(self, n_frames: int) -> range:
        """Return the frames to analyze in a movie of `n_frames`.

        Raises
        ------
        InputError
            If none is left.
        """
        stop = n_frames if self.last_frame is None else min(self.last_frame + 1, n_frames)
        indices = range(self.first_frame, stop, self.frame_step)
        if not indices:
            last = "the end" if self.last_frame is None else f"frame {self.last_frame}"
            raise InputError(
                f"There is nothing to analyze from frame {self.first_frame} to {last}: "
                f"the movie has the frames 0 to {n_frames - 1}."
            )
        return indices


def parse_parameters(**settings: Any) -> AnalysisParameters:
    """Make parameters of settings that a person gave or a file holds.

    Raises
    ------
    InputError
        If a setting is unknown, of the wrong type or out of its range; one sentence names
        every such setting.
    """
    return parse_settings(AnalysisParameters, **settings)


def parse_recorded(settings: Mapping[str, Any]) -> AnalysisParameters:
    """Make parameters of the settings that a result or a layer holds, of any version.

    Where they do not say whose answer it is, it is the network's: there was no choice then.

    Raises
    ------
    InputError
        As `parse_parameters`.
    """
    return parse_parameters(**{"answer": "network", **settings})


def suggest_window(period: float, frame_shape: tuple[int, int], min_window: int = 0) -> int:
    """Choose a window that holds about 10 lattice periods, or 64 px, in which short ones are right.

    Parameters
    ----------
    period : float
        Lattice period in pixels.
    frame_shape : (int, int)
        Frame size (Y, X) in pixels, which the window does not exceed.
    min_window : int
        Side in pixels that is needed to see the lattice; obeyed up to 25 periods.

    Returns
    -------
    int
        A multiple of 8 px where the frame allows, at least 32 px.
    """
    needed = max(BEST_PERIODS * period, min(max(min_window, _MIN_SUGGESTED), MAX_PERIODS * period))
    return max(32, min(8 * round(needed / 8), *frame_shape))
