"""How often error bars hold the truth, and what is claimed of nothing; no network.

    python benchmarks/error_bars.py --write

prints the tables; with ``--write`` they also go to ``docs/error-bars.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table
from tqdm import tqdm

from napari_lattice_symmetry.evolution.curves import N_DRAWS, Curve
from napari_lattice_symmetry.evolution.growth import MAX_CHANCE, remark
from napari_lattice_symmetry.evolution.kinetics import compare_laws, fit_growth
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.cartesian import SIDE, unscaled_spectrum
from napari_lattice_symmetry.structure.simplex import principal_axes, suggest_components
from napari_lattice_symmetry.structure.unmixing import MAX_COMPONENTS, USED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float64 = NDArray[np.float64]

DOCS = Path(__file__).parents[1] / "docs"
SEED = 2026
SECONDS = 180.0
LAW = {"A0": 2e-5, "rho": 0.05, "C": 0.06}
INITIAL_END = 90.0
N_FRAMES = 5
INITIAL_FRAMES = (2, 5, 10, 30)
# Deviations by which a bad frame is off, and how frames scatter in which nothing grows.
OFF = 15
FLAT = (
    "white",
    "AR(1) 0.8",
    "moving mean of 5",
    "white, last frame off",
    "white, last two frames off",
    "random walk",
)
# Frames, standard deviation, and what correlates them.
SCATTERS = (
    (60, 0.002, "white"),
    (60, 0.002, "AR(1) 0.5"),
    (60, 0.002, "AR(1) 0.8"),
    (60, 0.006, "AR(1) 0.8"),
    (30, 0.004, "AR(1) 0.8"),
    (120, 0.004, "AR(1) 0.8"),
    (60, 0.004, "moving mean of 5"),
    (60, 0.004, "AR(1) 0.8 and as much white"),
    (60, 0.004, "white, in proportion to the area"),
)


def noise(kind: str, n: int, rng: np.random.Generator) -> Float64:
    """Draw scatter of n frames with a standard deviation of 1."""
    white = rng.standard_normal(n + 100)
    if kind.startswith("white, last"):
        white[n - (2 if "two" in kind else 1) : n] += OFF
        return white[:n]
    if kind == "random walk":
        walk = np.cumsum(white[:n])
        return np.asarray(walk / walk.std())
    if kind == "moving mean of 5":
        return np.convolve(white, np.full(5, 5**-0.5), "valid")[:n]
    if not kind.startswith("AR(1)"):
        return white[:n]
    phi = float(kind.split()[1])
    for t in range(1, len(white)):
        white[t] = phi * white[t - 1] + np.sqrt(1 - phi**2) * white[t]
    kept = white[-n:]
    return (kept + rng.standard_normal(n)) / 2**0.5 if "white" in kind else kept


def make_curve(values: Float64) -> Curve:
    """Make a curve of which the frames alone are uncertain."""
    return Curve(
        name="simulated",
        frame_indices=np.arange(len(values)),
        times=np.arange(len(values)) * SECONDS / len(values),
        values=values,
        std=np.zeros_like(values),
        draws=np.tile(values, (N_DRAWS, 1)),
        area=216.0,
        timed=True,
        calibrated=True,
    )


def growth_rows(n: int) -> list[list[str]]:
    """Measure how often 95 % intervals of a growth law hold what is true."""
    rows = []
    for frames, sigma, kind in tqdm(SCATTERS, desc="intervals", leave=False):
        held = np.zeros(len(LAW))
        for i in range(n):
            rng = np.random.default_rng((SEED, i))
            grown = LAW["A0"] * np.exp(LAW["rho"] * np.arange(frames) * SECONDS / frames)
            values = grown + LAW["C"]
            spread = sigma * (values / values.mean() if "proportion" in kind else 1)
            curve = make_curve(values + spread * noise(kind, frames, rng))
            estimates = fit_growth(curve, INITIAL_END).estimates
            held += [estimates[k].low <= true <= estimates[k].high for k, true in LAW.items()]
        rows.append([kind, str(frames), f"{sigma:g}", *(f"{share:.0%}" for share in held / n)])
    return rows


def flat_rows(n: int) -> list[list[str]]:
    """Measure how often growth is claimed of 60 frames in which nothing grows."""
    rows = []
    for kind in tqdm(FLAT, desc="flat", leave=False):
        row = [kind]
        for initial in INITIAL_FRAMES:
            claimed = 0
            for i in range(n):
                curve = make_curve(0.3 + 0.01 * noise(kind, 60, np.random.default_rng((SEED, i))))
                fits = compare_laws(curve, curve.times[initial - 1])
                claimed += not remark(fits, fits[0]).startswith("Nothing grows")
            row.append(f"{claimed / n:.0%}")
        rows.append(row)
    return rows


def grains(k: int, seed: int, counts: float) -> Float64:
    """Draw a frame of k hexagonal grains, evenly turned against each other."""
    rng, shape = np.random.default_rng((SEED, seed)), (384, 384)
    tried = rng.uniform(0, 384, (200, k, 2))
    apart = np.linalg.norm(tried[:, :, np.newaxis] - tried[:, np.newaxis], axis=-1)
    middles = tried[(apart + 1e3 * np.eye(k)).min(axis=(1, 2)).argmax()]
    image, start = np.zeros(shape), rng.uniform(0, 60)
    for grain in range(k):
        basis = cell(10, 10, 60) @ rotation(start + 60 * grain / k)
        atoms = lattice_points(basis, shape, (192, 192), 40)
        nearest = np.linalg.norm(atoms[:, np.newaxis] - middles, axis=-1).argmin(axis=1)
        own = atoms[nearest == grain]
        image += draw_atoms(own, np.ones(len(own)), 2, shape)
    return count_electrons(image + 0.1, counts, rng)


def suggested_components(frame: Float64) -> int:
    """Suggest a number of components for the spectra of a frame."""
    windows = WindowGrid(frame.shape, 96, 16).windows(frame).reshape(-1, 96, 96)
    half = unscaled_spectrum(windows)[..., SIDE // 2 :]
    spectra = half[:, USED]
    center, _, variances = principal_axes(spectra, MAX_COMPONENTS)
    total = float(np.square(spectra - center).sum(axis=1).mean())
    return suggest_components(variances, total, min(spectra.shape))


def component_rows(n: int) -> list[list[str]]:
    """Suggest components for frames of one to six grains."""
    return [
        [
            str(k),
            *(
                ", ".join(str(suggested_components(grains(k, i, counts))) for i in range(n))
                for counts in (5, 20)
            ),
        ]
        for k in tqdm(range(1, 7), desc="grains", leave=False)
    ]


def report(n: int) -> str:
    """Measure everything; gives the page."""
    return f"""# Error bars

Made by `python benchmarks/error_bars.py --write`, from simulated data and without a network.

## Kinetics

How often the 95 % intervals of A0 exp(rho t) + C hold the truth; {n} curves a row. They hold it too
seldom where the frames scatter in another way than alike and AR(1): the last two rows.

{markdown_table(["scatter of the frames", "frames", "deviation", *LAW], growth_rows(n))}
How often growth is claimed of 60 frames in which nothing grows, by the number of frames in the
initial interval; {n // 3} curves each. It is claimed where no more than {MAX_CHANCE:.0%} of flat
curves that scatter alike give as much evidence for growth, with all frames and without the one that
speaks most for it. A frame that is off, here by {OFF} deviations, is not taken for growth so; two
that follow each other are. A level that drifts ever farther, as a random walk does, may be.

{markdown_table(["scatter", *map(str, INITIAL_FRAMES)], flat_rows(n // 3))}
## Unmixing

Components that are suggested for frames of so many grains (hexagonal, a = 10 px, 384 px, windows of
96 px), {N_FRAMES} frames each, by counts a pixel.

{markdown_table(["grains", "5 counts", "20 counts"], component_rows(N_FRAMES))}"""


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", type=int, default=150, help="curves for one row")
    parser.add_argument("--write", action="store_true", help="write docs/error-bars.md")
    options = parser.parse_args()
    text = report(options.curves)
    print(text)
    if options.write:
        (DOCS / "error-bars.md").write_text(text)


if __name__ == "__main__":
    main()
