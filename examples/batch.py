"""A folder of movies, one after the other.

Every file becomes a result of its own. A run that is interrupted goes on where it was; a file
that fails is named, and does not stop the others. Give a folder of your own, or none to analyze
three small simulated images.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
source = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "images"

if len(sys.argv) <= 2:
    source.mkdir(exist_ok=True)
    for lattice in ("square", "hexagonal", "oblique"):
        image = nls.LatticeImage(lattice=lattice, a=12, b=17, gamma=75, size=256).draw()
        np.save(source / f"{lattice}.npy", image.astype(np.float32))

settings = nls.AnalysisParameters(window=128, stride=32, samples=20)
table = {}
figure = Figure(figsize=(6, 3), layout="constrained")
axes = figure.subplots()
for path in sorted(source.iterdir()):
    try:
        result = nls.analyze(nls.read_movie(path), settings, output=folder / f"{path.stem}.zarr")
    except nls.LatticeSymmetryError as error:
        print(f"{path.name}: {error}")
        continue
    table[path.name] = nls.CLASSES[int(np.argmax(result.fractions[0]))]
    print(f"{path.name}: mostly {table[path.name]}")
    ends = np.cumsum(result.fractions[0])
    axes.barh(path.name, result.fractions[0], left=ends - result.fractions[0],
              color=list(nls.COLORS.values()))  # fmt: skip

axes.set(xlabel="mean probability of each class", xlim=(0, 1))
figure.savefig(folder / "batch.png", dpi=100)
