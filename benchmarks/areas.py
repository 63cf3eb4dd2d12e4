"""How often the interval of an area fraction holds the truth, with the shipped network.

    python benchmarks/areas.py --write

draws frames with holes, fronts and grains whose area is known and prints the table; with
``--write`` it also goes to ``docs/area-fractions.md``. With ``--fit`` it prints what
`napari_lattice_symmetry.results.areas.STRETCH` should be, from other frames.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from metrics import markdown_table
from scenes import KINDS, draw_scene
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.results.areas import (
    COVERAGE,
    HIDDEN,
    AreaFractions,
    area_fractions,
    area_scales,
)

PAGE = Path(__file__).parents[1] / "docs" / "area-fractions.md"
SEED, FIT_SEED = 2026, 1
WINDOWS = {64: 16, 128: 24}  # px, and their stride
COUNTS = (3, 20, 100)
NOISE = CLASSES.index("noise")


class Frames:
    """Analyzed frames: what they are, the true areas, those found, and the network's spread."""

    def __init__(self, n: int, seed: int, answer: str) -> None:
        rng, model = np.random.default_rng(seed), nls.load_model()
        about, truth, found, scales, network = [], [], [], [], []
        for _ in tqdm(range(n)):
            for kind in KINDS:
                for window, stride in WINDOWS.items():
                    counts = COUNTS[rng.integers(len(COUNTS))]
                    scene = draw_scene(kind, window, counts, rng)
                    result = nls.analyze(
                        Movie(scene.image[np.newaxis], name=kind),
                        window=window,
                        stride=stride,
                        samples=20,
                        answer=answer,
                        model=model,
                    )
                    fractions = area_fractions(result)
                    about.append((kind, window, counts))
                    truth.append(scene.fractions())
                    scales.append([each[0] for each in area_scales(result)])
                    found.append([each[0] for each in vars(fractions).values()])
                    network.append([result.fractions[0], result.fractions_std[0]])
        self.kind, self.window, self.counts = map(np.array, zip(*about, strict=True))
        self.truth = np.array(truth)
        self.found = AreaFractions(*np.swapaxes(found, 0, 1))
        self.scales = np.swapaxes(scales, 0, 1)
        self.mean, self.spread = np.swapaxes(network, 0, 1)
        # A class that is not there and was not seen says nothing of an interval.
        self.told = (self.truth > 0) | (self.found.values > 0)

    def row(self, title: str, chosen: np.ndarray) -> list[str]:
        """Sum up the areas of some frames."""
        told = self.told[chosen]
        truth = self.truth[chosen][told]
        low, high = self.found.low[chosen][told], self.found.high[chosen][told]
        holds = (low <= truth) & (truth <= high)
        network = np.abs(truth - self.mean[chosen][told]) <= 1.96 * self.spread[chosen][told]
        error = np.abs(truth - self.found.values[chosen][told])
        return [
            title,
            str(told.sum()),
            f"{holds.mean():.1%}",
            f"{np.median(high - low):.3f}",
            f"{np.median(error):.3f}",
            f"{network.mean():.1%}",
        ]


def fit_stretch(frames: Frames) -> dict[str, tuple[float, float]]:
    """Find how far intervals must reach down and up to miss the truth in half of 5 % each."""
    is_noise = np.arange(len(CLASSES)) == NOISE
    stretch = {}
    for name, chosen in {"lattice": ~is_noise, "noise": is_noise}.items():
        told = frames.told[:, chosen]
        truth = frames.truth[:, chosen][told]
        values, below, above = (each[:, chosen][told] for each in frames.scales)
        reaches = (values - truth) / below, (truth - values) / above
        down, up = (float(np.quantile(reach, (1 + COVERAGE) / 2)) for reach in reaches)
        stretch[name] = round(down, 2), round(up, 2)
    return stretch


def page(verdict: Frames, network: Frames, n: int) -> str:
    """Write the page."""
    frames = verdict
    everything = np.ones(len(frames.kind), dtype=bool)
    rows = [
        frames.row(f"{kind}, {window} px", (frames.kind == kind) & (frames.window == window))
        for kind in KINDS
        for window in WINDOWS
    ]
    rows += [frames.row(f"{counts} counts a pixel", frames.counts == counts) for counts in COUNTS]
    rows.append(frames.row("all", everything))
    _, n_areas, by_network, *_ = network.row("", everything)
    head = [
        "frames",
        "areas",
        "interval holds the truth",
        "its width",
        "error of the area",
        "mean probability ± 1.96 network spread holds it",
    ]
    return f"""# Area fractions

Made by `python benchmarks/areas.py --write`, with the verdict of network and fit.

The share of a frame that a class covers comes with an interval that is meant to hold the truth in
{COVERAGE:.0%} of frames (`nls.evolution.area_fractions`). It counts what windows leave to other
classes, {HIDDEN} windows that may hide a small hole or lie at the border, and stretches both by
factors found on other frames than these (conformal intervals). Median widths and errors are shares
of the frame.

{n} frames of 352 px a row of kind and window: one ragged hole of 0.3 to 3 windows across, six of
0.4 to 1.5 windows, a wavy edge of the film, a front between two lattices, three to six grains;
lattices of five classes with 7 to 12 periods a window; {", ".join(map(str, COUNTS))} counts a
pixel.

{markdown_table(head, rows)}

Intervals of the network's own answer have factors of their own; on the same frames they hold
{by_network} of {n_areas} areas.

Where the answer is sure of a wrong class in much of a frame, no interval holds. Nor does it for
frames of other contents than these, such as very many holes far smaller than a window. Regions
inside a frame have intervals made in the same way, which were not measured.
"""


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/area-fractions.md")
    parser.add_argument("--fit", action="store_true", help="find STRETCH instead")
    parser.add_argument("--answer", default="verdict", help="whose factors: verdict or network")
    parser.add_argument("--frames", type=int, default=30, help="frames a kind and window")
    options = parser.parse_args()
    if options.fit:
        print(fit_stretch(Frames(options.frames, FIT_SEED, options.answer)))
        return
    answers = [Frames(options.frames, SEED, answer) for answer in ("verdict", "network")]
    text = page(*answers, options.frames)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
