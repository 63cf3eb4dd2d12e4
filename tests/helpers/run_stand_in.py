"""The command `lattice-symmetry` with the stand-in network, slowed down to be killed."""

from stand_in import SlowClassifier

from napari_lattice_symmetry import cli
from napari_lattice_symmetry.commands import watch

if __name__ == "__main__":
    cli.load_model = watch.load_model = lambda network: SlowClassifier(0.01)
    cli.main()
