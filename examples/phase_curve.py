"""From a movie to a phase curve.

Reads a movie, names the lattice under every window, and draws the mean probability of each class
over time. Give a file of your own, or none to take a small simulated film that turns from square
to hexagonal.
"""

import sys
from pathlib import Path

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
file = sys.argv[2] if len(sys.argv) > 2 else None

movie = nls.read_movie(file) if file else nls.simulate("square-to-hexagonal", frames=9).movie
result = nls.analyze(movie, window=128, stride=32, samples=50)
for name, share in zip(nls.CLASSES, result.fractions[-1], strict=True):
    print(f"{name:>20} {share:6.1%} of the last frame")

result.save(folder / "phase_curve.zarr", overwrite=True)  # drop it onto napari
curves = list(nls.evolution.class_curves(result).values())
nls.evolution.write_curves(curves, folder / "phase_curve.csv")
nls.evolution.plot_evolution(curves).savefig(folder / "phase_curve.png", dpi=100)
