"""How well other programs find the atoms of the pictures of `atoms.py`, by the same score.

    make bench-atom-finders

runs each program in an environment of its own (atomap is GPL-3; AtomAI brings PyTorch); with
``--write`` the figures go to ``benchmarks/atom_finders.json``, whence `atoms.py` takes them.

atomap finds maxima that are some distance apart and moves them to centers of mass; the threshold
is the best of those tried on these very pictures. AtomAI comes without trained
weights: its U-net is trained here, on pictures of this package's generator, and sees pictures at
the scale at which it was trained.
"""

from __future__ import annotations

import argparse
import json
import warnings
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from atoms import COUNTS, RIVALS, Case, cases, f1_off_border, means

from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.atoms.finding.examples import TRAINING, ExampleChunk
from napari_lattice_symmetry.atoms.finding.scaling import Resampling, normalize

if TYPE_CHECKING:
    from napari_lattice_symmetry.atoms import AtomPicture

THRESHOLDS, SEPARATION = (0.1, 0.2, 0.35), 0.6  # of the greatest gray value, of the spacing
BLUR = 0.15  # spacings, without which atomap finds noise
CYCLES, BATCH, CROP, CHUNKS = 400, 32, 96, 40
MASK = 0.5  # height of a mark above which a pixel is of an atom


def by_atomap(picture: AtomPicture, spacing: int, threshold: float) -> Atoms:
    """Find atoms with atomap."""
    import atomap.api as am
    import hyperspy.api as hs
    from scipy.ndimage import gaussian_filter

    signal = hs.signals.Signal2D(gaussian_filter(picture.image, BLUR * spacing))
    distance = max(1, round(SEPARATION * spacing))
    places = np.asarray(am.get_atom_positions(signal, separation=distance, threshold_rel=threshold))
    if len(places) < 12:  # atomap asks nine neighbors of each
        return Atoms.at(*places.reshape(-1, 2).T[::-1])
    lattice = am.Sublattice(places, image=np.asarray(signal.data))
    lattice.find_nearest_neighbors()
    lattice.refine_atom_positions_using_center_of_mass(show_progressbar=False)
    return Atoms.at(lattice.y_position, lattice.x_position)


def best_atomap() -> tuple[list[Case], str]:
    """Try thresholds, and keep the best."""
    tried = {each: cases(partial(by_atomap, threshold=each)) for each in THRESHOLDS}
    best = max(tried, key=lambda each: np.mean([f1_off_border(case) for case in tried[each]]))
    print(f"atomap: a threshold of {best}")
    return tried[best], f"atomap {version('atomap')}"


def trained_atomai() -> Any:
    """Train AtomAI's U-net on pictures that the finder, too, is trained on."""
    from atomai.models import Segmentor

    drawn = [ExampleChunk(0, TRAINING, i, CROP).draw() for i in range(CHUNKS)]
    seen, marks = (np.concatenate(each) for each in zip(*drawn, strict=True))
    images = seen[..., 0].astype(np.float32)
    masks = (marks[..., 0] > MASK).astype(np.float32)
    held = max(BATCH, len(images) // 10)
    network = Segmentor(model="Unet", nb_classes=1, nb_filters=16, seed=0)
    network.fit(
        *(images[held:], masks[held:], images[:held], masks[:held]),
        training_cycles=CYCLES,
        batch_size=BATCH,
        compute_accuracy=False,
        plot_training_history=False,
    )
    return network


def by_atomai(picture: AtomPicture, spacing: int, network: Any) -> Atoms:
    """Find atoms with AtomAI."""
    resampling = Resampling.to_spacing(picture.image.shape, spacing)
    image = normalize(resampling.resample(picture.image))[..., 0]
    _, places = network.predict(image, verbose=False)
    return Atoms.at(*resampling.to_frame(np.asarray(places[0])[:, :2]).T)


def best_atomai() -> tuple[list[Case], str]:
    """Train, and find."""
    name = f"AtomAI {version('atomai')}, trained here on {CYCLES * BATCH:,} crops"
    return cases(partial(by_atomai, network=trained_atomai())), name


def main() -> None:
    """Measure a program, print, and write if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", choices=["atomap", "atomai"])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    found, name = {"atomap": best_atomap, "atomai": best_atomai}[arguments.program]()
    f1 = [f1_off_border(case) for case in found]
    figures = {str(counts): [round(v, 4) for v in means(f1, found, counts)] for counts in COUNTS}
    print(name, figures)
    if arguments.write:
        kept = json.loads(RIVALS.read_text(encoding="utf-8")) if RIVALS.is_file() else {}
        text = json.dumps(kept | {name: figures}, indent=2) + "\n"
        RIVALS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
