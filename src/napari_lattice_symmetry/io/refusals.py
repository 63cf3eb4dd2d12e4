"""What is measured but is no image of a lattice: the ends of sentences that begin with a file."""

from __future__ import annotations


def spectra(axis: str) -> str:
    """Refuse spectra; `axis` is what they run along."""
    return f"holds spectra (along {axis}), not images: there is no lattice in them to be named."


def diffraction(unit: str) -> str:
    """Refuse images of reciprocal space."""
    return (
        f"is a diffraction pattern or a Fourier transform (its axes are in {unit}), not an image; "
        "lattices are named in images of real space."
    )


def four_dimensional(shape: tuple[int, ...]) -> str:
    """Refuse a pattern at each point of a map."""
    sizes = " x ".join(map(str, shape))
    return (
        f"holds four-dimensional data ({sizes}), a pattern or a spectrum at each scan position; "
        "make an image of it first, with a virtual detector."
    )
