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
from napari_lattice_symmetry.bravais.registry import DEFAULT
from napari_lattice_symmetry.lattice import CLASSES, LABELS, describe_stretch
from napari_lattice_symmetry.spectrum import Flag, LatticeFits, WindowGrid
from napari_lattice_symmetry.spectrum.period import measure_period

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_lattice_symmetry.bravais.classifier import Classification, Classifier

DOCS = Path(__file__).parents[1] / "docs"
PERIODS = 10
GRAPHENE_WINDOWS = (72, 96)
IMAGE_COLUMNS = [
    "image",
    "expected",
    "verdict",
    "network",
    "metric",
    "shares of windows",
    "mean entropy (nats)",
    "resolved",
    "period (px)",
    "window (px)",
    "windows",
]
CORRECTION_COLUMNS = [
    "image",
    "known",
    "stretch",
    "network, image",
    "network, crystal",
    "metric, image",
    "metric, crystal",
    "b / a, gamma of the crystal",
]
MOVIE_COLUMNS = [
    "movie",
    "window (px)",
    "majority, frame by frame",
    "windows that change class",
    "sure windows that do",
]
GRAPHENE_COLUMNS = [
    "window",
    "answer",
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


# Hexagonal crystals in images that show something else.
DISTORTED = (
    ("images/MoS2_stem_Exp-001-5.npy", "MoS2 HAADF", "hexagonal"),
    ("images/stm_graphite_vasudevan2018_MOESM4.tif", "graphite STM", "hexagonal"),
    ("images/stm_HOPG_step_11p5nm_iso28600.spm", "graphite STM with a step", "hexagonal"),
)
MOVIES = (
    ("movies/graphene_hrtem_Dyna1_all.tif", "graphene HRTEM", 72),
    ("movies/faststm_hex_10frames.npy", "fast STM", 72),
)
BOUNDARY, BOUNDARY_ROW = "images/Fe_bcc100_grainboundary.npy", 256
SURE = 0.5
"""Entropy in nats below which an answer is sure."""


def read_frames(data: Path, file: str) -> list[NDArray[np.generic]]:
    """Read all frames of a file."""
    movie = nls.read_movie(data / file)
    return [movie.frame(t) for t in range(len(movie))]


def choose_grid(frames: Sequence[NDArray[np.generic]]) -> tuple[WindowGrid, str]:
    """Choose windows of ten periods; also gives the period in words."""
    period = measure_period(frames[:5])
    window = 128
    if period is not None:
        window = round(min(max(PERIODS * period.length, period.min_window), 25 * period.length))
    window = min(window, *frames[0].shape)
    grid = WindowGrid(frames[0].shape, window, max(1, window // 8))
    return grid, "none" if period is None else f"{period.length:.1f}"


def majority(labels: NDArray[np.uint8]) -> str:
    """Name the class of most windows, and its share of all."""
    counts = np.bincount(labels.ravel(), minlength=7)
    if not counts[1:].any():
        return "not resolved"
    best = int(counts[1:].argmax())
    return f"{CLASSES[best]} {counts[best + 1] / counts.sum():.0%}"


def bold_if_right(answer: str, expected: str) -> str:
    """Print a right answer bold."""
    name = answer.rstrip("0123456789% ")
    return f"**{answer}**" if name == expected else answer


def image_row(model: Classifier, data: Path, image: RealImage, samples: int) -> list[str]:
    """Analyze all windows of about ten periods; gives a row of the table."""
    frames = read_frames(data, image.file)
    first, last = (round(edge * frames[0].shape[0]) for edge in image.rows)
    frames = [frame[first:last] for frame in frames]
    grid, period = choose_grid(frames)
    found = [model.classify(grid.windows(frame), samples=samples) for frame in frames]
    views = [grid.windows(frame).reshape(-1, grid.window, grid.window) for frame in frames]
    verdict = np.concatenate([nls.classify(each, samples).label for each in views])
    fits = [nls.fit_lattices(grid.windows(frame)) for frame in frames]
    labels = np.concatenate([one.label for one in found])
    metric = np.concatenate([one.label.ravel() for one in fits])
    no_lattice = "not resolved" if image.expected == "noise" else image.expected
    shares = np.bincount(labels, minlength=7)[1:] / len(labels)
    return [
        image.shows,
        image.expected,
        bold_if_right(majority(verdict), image.expected),
        bold_if_right(majority(labels), image.expected),
        bold_if_right(majority(metric), no_lattice),
        ", ".join(
            f"{CLASSES[i]} {shares[i]:.0%}" for i in np.argsort(-shares) if shares[i] > 0.005
        ),
        f"{np.concatenate([one.entropy for one in found]).mean():.2f}",
        f"{(metric > 0).mean():.0%}",
        period,
        str(grid.window),
        str(len(labels)),
    ]


def correction_row(
    model: Classifier, data: Path, image: tuple[str, str, str], samples: int
) -> list[str]:
    """Undo the distortion of an image whose lattice is known; gives a row of the table."""
    file, shows, known = image
    frame = read_frames(data, file)[0]
    grid, _ = choose_grid([frame])
    distortion = nls.measure_distortion(frame, known)
    windows = grid.windows(frame)
    stretch, direction = describe_stretch(distortion.matrix)

    def answers(matrix: NDArray[np.float64] | None) -> tuple[str, str, LatticeFits]:
        found = model.classify(windows, samples=samples, distortion=matrix)
        fits = nls.fit_lattices(windows, distortion=matrix)
        return majority(found.label), majority(fits.label), fits

    seen, seen_metric, _ = answers(None)
    true, true_metric, fits = answers(distortion.matrix)
    return [
        shows,
        known,
        f"{stretch:.3f} : 1 along {direction:.0f}°",
        seen,
        bold_if_right(true, known),
        seen_metric,
        bold_if_right(true_metric, known),
        f"{np.nanmedian(fits.b / fits.a):.3f}, {np.nanmedian(fits.gamma):.1f}°",
    ]


def movie_row(
    model: Classifier, data: Path, movie: tuple[str, str, int], samples: int
) -> list[str]:
    """Tell how steady the answers are from frame to frame; gives a row of the table."""
    file, shows, window = movie
    frames = read_frames(data, file)
    grid = WindowGrid(frames[0].shape, window, window // 8)
    found = [model.classify(grid.windows(frame), samples=samples) for frame in frames]
    labels = np.array([one.label for one in found])
    sure = np.array([one.entropy for one in found]) < SURE
    changed, both = labels[1:] != labels[:-1], sure[1:] & sure[:-1]
    return [
        shows,
        str(window),
        ", ".join(majority(one) for one in labels),
        f"{changed.mean():.1%}",
        f"{changed[both].mean():.1%} of {both.mean():.0%}",
    ]


def boundary_text(model: Classifier, data: Path, samples: int) -> str:
    """Tell how a grain boundary shows in the mutual information and in the flags."""
    frame = read_frames(data, BOUNDARY)[0]
    grid, _ = choose_grid([frame])
    windows = grid.windows(frame)
    found = model.classify(windows, samples=samples)
    rows = np.arange(grid.shape[0]) * grid.stride + grid.window / 2
    across = np.repeat(np.abs(rows - BOUNDARY_ROW) < grid.window / 4, grid.shape[1])
    flagged = (nls.fit_lattices(windows).flags & Flag.TWO_LATTICES > 0).ravel()
    information = found.mutual_information
    return (
        f"Windows of {grid.window} px whose center is within a quarter of that of the boundary: "
        f"median mutual information {np.median(information[across]):.3f} nats against "
        f"{np.median(information[~across]):.3f} elsewhere, AUROC "
        f"{auroc(information, across):.2f}; entropy {np.median(found.entropy[across]):.2f} "
        f"against {np.median(found.entropy[~across]):.2f}, AUROC "
        f"{auroc(found.entropy, across):.2f}; flagged as two lattices {flagged[across].mean():.0%} "
        f"against {flagged[~across].mean():.0%}."
    )


def graphene_row(
    answer: str, classify: Callable[..., Classification], data: Path, window: int, samples: int
) -> list[str]:
    """Compare the noise probability with the pixel labels of graphene HRTEM images."""
    noise, covered, labels = [], [], []
    for file in sorted((data / "graphene_hrtem").glob("*_LABEL.png")):
        truth = nls.read_movie(file).frame(0) > 127
        frame = nls.read_movie(file.with_name(file.name.replace("_LABEL", ""))).frame(0)
        grid = WindowGrid(frame.shape, window, 16)
        views = grid.windows(frame).reshape(-1, window, window)
        found = classify(views, samples)
        noise.append(found.mean[:, LABELS["noise"] - 1])
        labels.append(found.label)
        covered.append(grid.windows(truth).mean(axis=(2, 3)).ravel())
    score, share, label = map(np.concatenate, (noise, covered, labels))
    clean, dirty = share < 0.05, share > 0.8
    sure = clean | dirty
    return [
        f"{window} px",
        answer,
        f"{auroc(score[sure], dirty[sure]):.4f}",
        f"{(label[clean] == LABELS['hexagonal']).mean():.1%}",
        str(int(clean.sum())),
        str(int(dirty.sum())),
    ]


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default=DEFAULT)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="write docs/real-images.md")
    options = parser.parse_args()
    data = Path(os.environ["LATTICE_SYMMETRY_DATA"])
    model = nls.load_model(options.network)

    images = [image_row(model, data, image, options.samples) for image in IMAGES]
    corrections = [correction_row(model, data, image, options.samples) for image in DISTORTED]
    movies = [movie_row(model, data, movie, options.samples) for movie in MOVIES]
    answers = {"verdict": nls.classify, "network": model.classify}
    graphene = [
        graphene_row(name, classify, data, window, options.samples)
        for window in GRAPHENE_WINDOWS
        for name, classify in answers.items()
    ]
    text = f"""# Real images

Made by `make bench-real`: what the `{options.network}` network, which was trained on nothing
real, the lattice fit, which knows no network, and the verdict of both say of public images.
Windows of {PERIODS} periods, the period measured in the image, or larger where only these
resolve a lattice; stride an eighth of the window; {options.samples} MC samples. Right answers are
bold.

{markdown_table(IMAGE_COLUMNS, images)}
*Expected* is the lattice of the projected crystal; *verdict*, *network* and *metric* are the class
of most windows and its share of all, unresolved ones included; shares and entropy are the
network's. Scans drift: MoS2, graphite and the fast STM movie are hexagonal crystals whose images
truly show less symmetric lattices, so that another answer can be the right one for the image.

## After correction

The same images with the distortion undone that `measure_distortion` finds in the whole frame,
told nothing but that the crystal is hexagonal: the class of what the image shows, and of the
crystal.

{markdown_table(CORRECTION_COLUMNS, corrections)}
## From frame to frame

Share of windows whose class is another one than in the frame before; sure windows have less than
{SURE} nats of entropy in both.

{markdown_table(MOVIE_COLUMNS, movies)}
## A grain boundary

bcc Fe [100], two grains. {boundary_text(model, data, options.samples)}

## Graphene HRTEM against pixel labels

Images and labels of contamination by the authors of graphene-u-net (BSD-3-LBNL). Windows with
less than 5 % contamination count as clean, with more than 80 % as covered.

{markdown_table(GRAPHENE_COLUMNS, graphene)}"""
    print(text)
    if options.write:
        (DOCS / "real-images.md").write_text(text)


if __name__ == "__main__":
    main()
