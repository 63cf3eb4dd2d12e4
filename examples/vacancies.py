"""Vacancies in MoS2 over a movie.

A monolayer loses columns under the beam. Its atoms are found in every frame, and what is missing of
their lattice is counted and compared with what was taken away. `nls.atoms` also takes movies of
your own: the pixel size, or the distance of neighbors, has to be known.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

shares = [0.0, 0.01, 0.02, 0.04, 0.06, 0.08]
pictures = [
    nls.atoms.AtomImage(
        material="MoS2", spacing=14, size=224, counts=200, vacancies=share, seed=seed
    ).draw()
    for seed, share in enumerate(shares)
]
movie = nls.Movie(np.stack([picture.image for picture in pictures]), name="MoS2", frame_time=10)

atoms = nls.atoms.find_atoms(movie, spacing=14)
defects = nls.atoms.find_defects(movie, atoms)
missing = defects.kind == "missing"
found = [int(np.sum(missing & (defects.frame == t))) for t in range(len(movie))]
columns = [int(np.sum(atoms.frame == t)) for t in range(len(movie))]
seen = np.divide(found, np.add(found, columns))
for t, share in enumerate(seen):
    print(
        f"{10 * t:3} s: {columns[t]} columns, {found[t]} missing: {share:.1%}, made {shares[t]:.1%}"
    )

with (folder / "vacancies.csv").open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow(["time_s", "columns", "missing"])
    writer.writerows(zip(10 * np.arange(len(movie)), columns, found, strict=True))

figure = Figure(figsize=(8, 3.4), layout="constrained")
image, curve = figure.subplots(1, 2)
last = missing & (defects.frame == len(movie) - 1)
image.imshow(movie.frame(len(movie) - 1), cmap="gray")
image.plot(defects.x[last], defects.y[last], "o", mfc="none", color="#E69F00", label="missing")
image.set(title="last frame", xticks=[], yticks=[])
curve.plot(10 * np.arange(len(movie)), seen, "o-", color="#E69F00", label="found")
curve.plot(10 * np.arange(len(movie)), shares, "--", color="gray", label="made")
curve.set(xlabel="time (s)", ylabel="share of columns that is missing")
curve.legend(frameon=False)
figure.savefig(folder / "vacancies.png", dpi=100)
