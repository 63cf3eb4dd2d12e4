"""What the networks say of real images, right and wrong answers alike.

    LATTICE_SYMMETRY_DATA=folder python benchmarks/real_images.py --write

prints the tables; with ``--write`` they also go to ``docs/real-images.md``. The images are not
part of this repository; the table names where each comes from.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import auroc, markdown_table

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.period import dominant_period

if TYPE_CHECKING:
    from napari_lattice_symmetry.model.classifier import Classifier

DOCS = Path(__file__).parents[1] / "docs"
PERIODS = 10
GRAPHENE_WINDOWS = (72, 96)
IMAGE_COLUMNS = [
    "image",
    "expected",
    "majority",
    "shares of windows",
    "mean entropy (nats)",
    "period (px)",
    "window (px)",
    "windows",
]
GRAPHENE_COLUMNS = [
    "window",
    "AUROC of the noise probability",
    "clean windows called hexagonal",
    "clean",
    "covered",
]


@dataclass(frozen=True)
class RealImage:
    """An image and the lattice it shows."""

    file: str
    shows: str
    expected: str
    rows: tuple[float, float] = (0.0, 1.0)


IMAGES = (
    RealImage("images/STO_001_haadf_nsid.hf5", "SrTiO3 [001] HAADF", "square"),
    RealImage("images/Si_110_haadf_5nm.png", "Si [110] HAADF", "centered rectangular"),
    RealImage("images/Cu2Te.tif", "Cu2Te HAADF", "rectangular"),
    RealImage("images/Pt_single_atoms_on_amorphous_C.tif", "Pt on amorphous carbon", "noise"),
    RealImage("simulated/ai4stem_HCP_Ti_0001.npy", "Ti [0001], multislice", "hexagonal"),
    RealImage("simulated/ai4stem_FCC_Cu_110.npy", "Cu [110], multislice", "centered rectangular"),
    RealImage("simulated/ai4stem_BCC_Fe_110.npy", "Fe [110], multislice", "rectangular"),
    RealImage(
        "images/Fe_bcc100_grainboundary.npy", "bcc Fe [100], upper grain", "square", (0.0, 0.4)
    ),
    RealImage(
        "images/Fe_bcc100_grainboundary.npy", "bcc Fe [100], lower grain", "square", (0.6, 1.0)
    ),
    RealImage("images/LLTO_90deg_domains.jpg", "(Li,La)TiO3, 90 degree domains", "square"),
    RealImage("images/DyScO3_haadf_8nm.png", "DyScO3 HAADF", "square"),
    RealImage("images/MoS2_stem_Exp-001-5.npy", "MoS2 HAADF, sheared to 67 degrees", "hexagonal"),
    RealImage(
        "images/stm_graphite_vasudevan2018_MOESM4.tif", "graphite STM, drift-sheared", "hexagonal"
    ),
    RealImage("movies/faststm_hex_10frames.npy", "fast STM, sheared", "hexagonal"),
)


def image_row(model: Classifier, data: Path, image: RealImage, samples: int) -> list[str]:
    """Classify all windows of about ten periods; gives a row of the table."""
    movie = nls.read_movie(data / image.file)
    first, last = (round(edge * movie.shape[1]) for edge in image.rows)
    frames = [movie.frame(t)[first:last] for t in range(len(movie))]
    period = dominant_period(frames[0])
    window = 128 if period is None else round(PERIODS * period)
    window = int(np.clip(window, 64, min(frames[0].shape)))
    grid = WindowGrid(frames[0].shape, window, max(1, window // 8))
    found = [model.classify(grid.windows(frame), samples=samples) for frame in frames]
    labels = np.concatenate([one.label for one in found])
    entropy = np.concatenate([one.entropy for one in found]).mean()
    shares = np.bincount(labels, minlength=7)[1:] / len(labels)
    majority = CLASSES[int(shares.argmax())]
    return [
        image.shows,
        image.expected,
        f"**{majority}**" if majority == image.expected else majority,
        ", ".join(
            f"{CLASSES[i]} {shares[i]:.0%}" for i in np.argsort(-shares) if shares[i] > 0.005
        ),
        f"{entropy:.2f}",
        "none" if period is None else f"{period:.1f}",
        str(window),
        str(len(labels)),
    ]


def graphene_row(model: Classifier, data: Path, window: int, samples: int) -> list[str]:
    """Compare the noise probability with the pixel labels of graphene HRTEM images."""
    noise, covered, labels = [], [], []
    for file in sorted((data / "graphene_hrtem").glob("*_LABEL.png")):
        truth = nls.read_movie(file).frame(0) > 127
        frame = nls.read_movie(file.with_name(file.name.replace("_LABEL", ""))).frame(0)
        grid = WindowGrid(frame.shape, window, 16)
        found = model.classify(grid.windows(frame), samples=samples)
        noise.append(found.mean[:, LABELS["noise"] - 1])
        labels.append(found.label)
        covered.append(grid.windows(truth).mean(axis=(2, 3)).ravel())
    score, share, label = map(np.concatenate, (noise, covered, labels))
    clean, dirty = share < 0.05, share > 0.8
    sure = clean | dirty
    return [
        f"{window} px",
        f"{auroc(score[sure], dirty[sure]):.4f}",
        f"{(label[clean] == LABELS['hexagonal']).mean():.1%}",
        str(int(clean.sum())),
        str(int(dirty.sum())),
    ]


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="polar")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="write docs/real-images.md")
    options = parser.parse_args()
    data = Path(os.environ["LATTICE_SYMMETRY_DATA"])
    model = nls.load_model(options.network)

    images = [image_row(model, data, image, options.samples) for image in IMAGES]
    graphene = [graphene_row(model, data, w, options.samples) for w in GRAPHENE_WINDOWS]
    text = f"""# Real images

Made by `make bench-real`: what the `{options.network}` network, which was trained on nothing
real, says of public images. Windows of {PERIODS} periods, the period measured in the image;
stride an eighth of the window; {options.samples} MC samples. Right answers are bold.

{markdown_table(IMAGE_COLUMNS, images)}
*Expected* is the lattice of the projected crystal. Scans drift: MoS2, graphite and the fast STM
movie are hexagonal crystals whose images truly show less symmetric lattices, so that another
answer can be the right one for the image.

## Graphene HRTEM against pixel labels

Images and labels of contamination by the authors of graphene-u-net (BSD-3-LBNL). Windows with
less than 5 % contamination count as clean, with more than 80 % as covered.

{markdown_table(GRAPHENE_COLUMNS, graphene)}"""
    print(text)
    if options.write:
        (DOCS / "real-images.md").write_text(text)


if __name__ == "__main__":
    main()
