"""What is measured but is no image of a lattice: the ends of sentences that begin with a file."""

from __future__ import annotations

from napari_lattice_symmetry.io.calibration import is_reciprocal


def spectra(axis: str) -> str:
    """Refuse spectra; `axis` is what they run along."""
    return f"holds spectra (along {axis}), not images: there is no lattice in them to be named."


def diffraction(*units: str | None) -> str:
    """Refuse images of reciprocal space; nothing is said where no unit of an axis is of that."""
    for unit in units:
        if unit and is_reciprocal(unit):
            return (
                "is a diffraction pattern or a Fourier transform (its axes are in "
                f"{unit.strip()}), not an image; lattices are named in images of real space."
            )
    return ""


def four_dimensional(shape: tuple[int, ...]) -> str:
    """Refuse a pattern at each point of a map."""
    sizes = " x ".join(map(str, shape))
    return (
        f"holds four-dimensional data ({sizes}), a pattern or a spectrum at each scan position; "
        "make an image of it first, with a virtual detector."
    )
