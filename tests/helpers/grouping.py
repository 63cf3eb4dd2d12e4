"""Print by how much results differ when windows are grouped or ordered otherwise, as JSON.

It is a program of its own since a processor can be played once a process.
"""

from __future__ import annotations

import json
import os

import numpy as np

NUMBERS = ("mean", "std", "entropy", "mutual_information")
N_WINDOWS = 132  # a full block and some
GROUPS = ((0, 1), (1, 2), (2, 7), (7, 40), (40, 127), (127, 128), (128, 131), (131, 132))


def differences(name):
    """Compare windows in one go with the same in groups, in another order, and once more."""
    from napari_lattice_symmetry.bravais import load_model
    from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, draw_windows

    model = load_model(name, os.environ.get("ENGINE", "onnx"))
    windows = draw_windows(N_WINDOWS, INSTRUMENT, seed=7)[0]
    whole, again = (model.classify(windows, samples=20, seed=3) for _ in range(2))
    groups = [model.classify(windows[a:b], samples=20, seed=3) for a, b in GROUPS]
    order = np.random.default_rng(0).permutation(N_WINDOWS)
    shuffled = model.classify(windows[order], samples=20, seed=3)
    found = {}
    for number in NUMBERS:
        expected = getattr(whole, number)
        parts = np.concatenate([getattr(group, number) for group in groups])
        assert np.isfinite(expected).all()
        found[number] = _greatest(parts, expected)
        found[f"{number}, shuffled"] = _greatest(getattr(shuffled, number), expected[order])
    totals = sum(group.thinned_totals for group in groups)
    found["totals"] = _greatest(totals, whole.thinned_totals) / N_WINDOWS
    labels = np.concatenate([group.label for group in groups])
    found["label"] = int((labels != whole.label).sum())
    found["again"] = _greatest(again.mean, whole.mean)
    return found


def _greatest(a, b):
    return float(np.abs(a - b).max())


if __name__ == "__main__":
    print(json.dumps({name: differences(name) for name in ("compact", "published")}))
