"""From a file of one's own to a phase curve.

Give a dm4, or any other file that can be read; without one, a small film that turns from square to
hexagonal is written first, and read back as yours would be. The pixel size comes from the file, the
window from the lattice period that is found in it.
"""

import sys
from pathlib import Path

import numpy as np
import tifffile

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
file = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "film.tif"

if len(sys.argv) <= 2:
    film = nls.simulate("square-to-hexagonal", frames=7).movie
    size = 1 / film.pixel_size[0]
    about = {"axes": "TYX", "unit": "nm", "finterval": 30}
    frames = np.asarray(film.frames, dtype=np.float32)
    tifffile.imwrite(file, frames, imagej=True, resolution=(size, size), metadata=about)

movie = nls.read_movie(file, lazy=True)  # frames are read when they are asked for
print(f"{movie.name}: {len(movie)} frames of {movie.shape[1]} x {movie.shape[2]} px, "
      f"{movie.pixel_size[1]:.4g} {movie.unit} a pixel")  # fmt: skip

side = min(128, *movie.shape[1:])  # the default, or what fits into a small image
middle = movie.frame(len(movie) // 2)[:side, :side]
fit = nls.fit_lattice(middle)
if fit.resolved:  # about ten periods in a window are best
    side = int(np.clip(10 * fit.a, 48, side)) // 2 * 2
result = nls.analyze(movie, window=side, stride=max(8, side // 4), samples=50)

curves = list(nls.evolution.class_curves(result, areas=True).values())
nls.evolution.write_curves(curves, folder / "own_file.csv")
nls.evolution.plot_evolution(curves, movie.name).savefig(folder / "own_file.png", dpi=100)
for name, curve in zip(nls.CLASSES, curves, strict=True):
    print(
        f"{name:>20} {curve.values[0]:6.1%} of the first frame, {curve.values[-1]:6.1%} of the last"
    )
