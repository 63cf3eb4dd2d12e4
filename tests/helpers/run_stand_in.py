"""The command `lattice-symmetry` with the stand-in network, slowed down to be killed."""

import os

from stand_in import SlowClassifier

from napari_lattice_symmetry import bravais, cli
from napari_lattice_symmetry.bravais.registry import REGISTRY

if __name__ == "__main__":
    bravais.load_model = lambda *_: SlowClassifier(
        float(os.environ.get("STAND_IN_SECONDS", "0.01"))
    )
    del REGISTRY.entries["compact"]["verdict"]  # no verdict knows a stand-in
    cli.main()
