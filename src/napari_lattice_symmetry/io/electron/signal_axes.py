"""The axes of a signal as HyperSpy and RosettaSciIO describe them, as the facts of a `Stack`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import is_length, pixel_size_nm, seconds

Axis: TypeAlias = Mapping[str, Any]
"""``name``, ``scale``, ``units``, and ``navigate``: whether it leads from signal to signal."""

_ENERGIES = ("eV", "keV")
_SPECTRAL = ("energy", "wavelength", "wavenumber", "raman shift")  # how names of axes begin


def facts_of(axes: Sequence[Axis], shape: tuple[int, ...], source: str) -> dict[str, Any]:
    """Return axes, calibration and refusal of a stack; `source` is what its calibration comes from.

    Parameters
    ----------
    axes : sequence of mapping
        In the order of the array.
    shape : tuple of int
        Of the array.
    source : str
        In words.
    """
    image = [axis for axis in axes if not axis.get("navigate")]
    if len(image) == len(axes) == 3:  # Berkeley EMD does not say what leads from image to image
        image = image[1:] if is_length(_unit(axes[1])) == is_length(_unit(axes[2])) else image[2:]
    refusal = _refusal(axes, image, shape)
    if len(image) != 2:
        return {"refusal": refusal or f"holds an array of shape {shape}, which is no image."}
    (y, x), frames = image, axes[: len(axes) - 2]
    pixel_size = pixel_size_nm(_scale(y), _scale(x), _unit(y), _unit(x))
    return {
        "axes": "".join(_letter(axis, y, x) for axis in axes),
        "pixel_size": pixel_size,
        "frame_time": seconds(_scale(frames[0]), _unit(frames[0])) if frames else None,
        "calibration_source": source,
        "refusal": refusal,
    }


def _letter(axis: Axis, y: Axis, x: Axis) -> str:
    """Name an axis: one that leads over a length is a depth, any other is the frames."""
    if axis is y or axis is x:
        return "Y" if axis is y else "X"
    return "Z" if is_length(_unit(axis)) else "T"


def _refusal(axes: Sequence[Axis], image: Sequence[Axis], shape: tuple[int, ...]) -> str:
    if len(axes) > 3:
        return refusals.four_dimensional(shape)
    spectral = image if len(image) == 1 else list(filter(_is_spectral, axes))
    if spectral:
        return refusals.spectra(str(spectral[0].get("name") or "one axis"))
    return refusals.diffraction(*map(_unit, image))


def _is_spectral(axis: Axis) -> bool:
    """Return whether spectra run along an axis; wavelengths are lengths, too."""
    return _unit(axis) in _ENERGIES or str(axis.get("name")).lower().startswith(_SPECTRAL)


def _scale(axis: Axis) -> float:
    return float(axis.get("scale") or 0)


def _unit(axis: Axis) -> str:
    unit = axis.get("units")
    return unit if isinstance(unit, str) else ""
