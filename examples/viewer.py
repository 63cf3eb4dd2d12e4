"""A notebook that drives a napari viewer.

Cells begin with `# %%`, as Jupytext and VS Code read them.
"""

# %% A result
import sys
from pathlib import Path

import napari

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
movie = nls.simulate("square-to-hexagonal", frames=9, size=128).movie
result = nls.analyze(movie, window=64, stride=16, samples=20, output=folder / "viewer.zarr")

# %% A viewer, with image and maps one over the other
viewer = napari.Viewer()
scale, units = (movie.frame_time or 1, *movie.pixel_size), ("s", movie.unit, movie.unit)
viewer.add_image(movie.frames, name="movie", scale=scale, units=units)
viewer.open(folder / "viewer.zarr", plugin="napari-lattice-symmetry")

# %% Go to the frame in which most windows are hexagonal, and take its picture
best = int(result.fractions[:, nls.CLASSES.index("hexagonal")].argmax())
viewer.dims.set_current_step(0, int(result.frame_indices[best]))
viewer.screenshot(str(folder / "viewer.png"), canvas_only=False, flash=False)

# %% Outside a notebook: stay open until the window is closed
napari.run()
