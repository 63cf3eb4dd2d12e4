"""A network of one's own.

It is trained on simulated windows, whose classes are known, and compared with the one that comes
along. This one sees 720 of them for seconds, to show how; the recipe asks for 330,000. With
`start="polar.keras"` a trained network is refined. Training needs TensorFlow.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import napari_lattice_symmetry as nls

if __name__ == "__main__":  # processes that simulate may import this file
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

    path = nls.train("compact", folder / "own-network", windows=720, validation=240, epochs=4,
                     workers=1, progress=False)  # fmt: skip

    lattices = ("square", "rectangular", "hexagonal", "oblique")
    windows = np.stack([
        nls.LatticeImage(lattice=name, a=12, b=16, gamma=75, orientation=turn, counts=50).draw()
        for name in lattices for turn in range(0, 40, 5)
    ])  # fmt: skip
    true = np.repeat([nls.LABELS[name] for name in lattices], 8)
    right = {}
    for name, network in (("own", str(path)), ("compact", "compact")):
        found = nls.load_model(network).classify(windows, samples=20)
        right[name] = float(np.mean(found.label == true))
        print(f"{name}: {right[name]:.0%} of {len(true)} windows right")

    with (path.parent / "history.csv").open(encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 3), layout="constrained")
    curve, bars = figure.subplots(1, 2)
    for name, label, line in (("accuracy", "training", "--"), ("val_accuracy", "validation", "-")):
        epochs, shares = ([float(row[each]) for row in history] for each in ("epoch", name))
        curve.plot(epochs, shares, linestyle=line, marker=".", label=label)
    curve.set(xlabel="epoch", ylabel="share that is right", ylim=(0, 1))
    curve.legend(frameon=False)
    bars.bar(list(right), list(right.values()), color=["#56B4E9", "#0072B2"])
    bars.set(ylabel="share that is right", ylim=(0, 1))
    figure.savefig(folder / "train.png", dpi=100)
