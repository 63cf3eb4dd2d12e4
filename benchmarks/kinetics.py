"""How well the growth law of a simulated movie is given back, from the network and without.

    python benchmarks/kinetics.py --write

prints the page; with ``--write`` it also goes to ``docs/kinetics.md``, with its figure.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.analysis.frame import AnalysisJob, FrameMaps
from napari_lattice_symmetry.evolution.beam import maximum_energy_transfer
from napari_lattice_symmetry.evolution.brightness import (
    THRESHOLD_DOUBT,
    Brightness,
    brightness_curve,
    measure_brightness,
)
from napari_lattice_symmetry.evolution.curves import N_DRAWS, class_curves
from napari_lattice_symmetry.evolution.growth import MAX_CHANCE, akaike_weights
from napari_lattice_symmetry.evolution.holes import MAX_REACH, MIN_REACH, SEEN_HOLE, hole_curve
from napari_lattice_symmetry.evolution.kinetics import compare_laws, fit_growth
from napari_lattice_symmetry.evolution.plots import plot_growth
from napari_lattice_symmetry.lattice.basis import cell as cell_basis
from napari_lattice_symmetry.lattice.basis import lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms

if TYPE_CHECKING:
    from napari_lattice_symmetry import MovieResult
    from napari_lattice_symmetry.evolution.curves import Curve
    from napari_lattice_symmetry.evolution.growth import Estimate
    from napari_lattice_symmetry.lattice.movies import SimulatedMovie

DOCS = Path(__file__).parents[1] / "docs"
WINDOWS = (64, 128)
STRIDE = 16
INITIAL_END = 100.0  # s, as in the paper
SEEN_FRAMES, SEEN_SAMPLES = (60, 85), 100
N_HOLES, HOLE_SAMPLES = 6, 20
PAPER = {"W": 1.6, "S": 7.5}  # eV at 100 kV, as printed


def curves_of(simulated: SimulatedMovie) -> Iterator[tuple[str, Curve]]:
    """Give every curve that can be fitted, and what it is."""
    result = nls.MovieResult.empty(simulated.movie, nls.AnalysisParameters())
    rows = list(measure_brightness(simulated.movie, np.arange(len(simulated.movie))))
    yield "holes, by brightness", brightness_curve(result, Brightness(np.array(rows)))
    results: dict[int, MovieResult] = {
        window: nls.analyze(simulated.movie, window=window, stride=STRIDE, answer="network")
        for window in tqdm(WINDOWS, desc="windows")
    }
    for window, each in results.items():
        yield f"holes, by windows of {window} px", hole_curve(each)
    for window, each in results.items():
        yield f"noise, mean probability, {window} px", class_curves(each)["noise"]


def correlation_between_frames(simulated: SimulatedMovie) -> float:
    """Give how alike thinned networks err in two frames: the correlation of how much is noise."""
    settings = {"window": WINDOWS[0], "stride": STRIDE, "samples": SEEN_SAMPLES}
    parameters = nls.AnalysisParameters(**settings, answer="network")
    movie, model, noise = simulated.movie, nls.load_model(), nls.CLASSES.index("noise")
    job = AnalysisJob(movie, parameters)
    totals = []
    for index in SEEN_FRAMES:
        maps = FrameMaps(job.windows)
        for _ in maps.fill(model, movie.frame(index), movie.name):
            pass
        totals.append(maps.thinned_totals[:, noise])
    return float(np.corrcoef(totals)[0, 1])


def hann_beyond(reach: float) -> float:
    """Give the share of the Hann weight beyond a straight edge so many windows from the center."""
    return float(0.5 - reach - np.sin(2 * np.pi * reach) / (2 * np.pi))


def noise_on_a_hole(periods: int, counts: float, diameter: float) -> float:
    """Give the mean probability of noise in windows on the center of a hole (in windows)."""
    rng, windows = np.random.default_rng(1), []
    size, spacing = WINDOWS[1], WINDOWS[1] / periods
    for i in range(N_HOLES):
        basis = cell_basis(spacing, spacing, 60 if i % 2 else 90) @ rotation(rng.uniform(0, 90))
        center = rng.uniform(0, size), rng.uniform(0, size)
        atoms = lattice_points(basis, (size, size), center, 4 * spacing)
        atoms = atoms[np.linalg.norm(atoms - size / 2, axis=1) > diameter * size / 2]
        image = draw_atoms(atoms, np.ones(len(atoms)), 0.18 * spacing, (size, size))
        windows.append(count_electrons(image + 0.1, counts, rng))
    answer = nls.load_model().classify(np.array(windows), HOLE_SAMPLES, 0)
    return float(answer.mean[:, nls.CLASSES.index("noise")].mean())


def seen_hole_sizes() -> str:
    """Say at which diameters in windows the probability of noise passes 0.5."""
    diameters = np.arange(0.5, 1.05, 0.05)
    passed = [
        float(diameters[np.argmax([noise_on_a_hole(periods, counts, d) > 0.5 for d in diameters])])
        for periods, counts in ((6, 10), (6, 100), (10, 10), (10, 100))
    ]
    return f"{min(passed):.2g} to {max(passed):.2g}"


def cell(estimate: Estimate, truth: float) -> str:
    """Write an estimate; in bold where its interval holds the truth."""
    text = f"{estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})"
    return f"**{text}**" if estimate.low <= truth <= estimate.high else text


def report(figure: Path | None = None) -> str:
    """Fit every curve, and write the page; the figure, if it is to be written, too."""
    simulated = nls.simulate("growing-holes")
    parameters, movie = simulated.parameters, simulated.movie
    a0, rho, c = (parameters[name] for name in ("A0", "rho", "C"))
    frame_area = float(np.prod(movie.shape[1:]) * np.prod(movie.pixel_size))
    rows, weights = [], ""
    for name, curve in curves_of(simulated):
        fit = fit_growth(curve, INITIAL_END)
        truths = {"A0, area": a0 * frame_area, "rho": rho, "C": c}
        rows.append([name, *(cell(fit.estimates[each], true) for each, true in truths.items())])
        if figure is not None and name == f"holes, by windows of {WINDOWS[0]} px":
            plot_growth(fit, movie.name).savefig(figure, dpi=90)
        if name == "holes, by brightness":
            fits = compare_laws(curve, INITIAL_END)
            parts = zip(fits, akaike_weights(fits), strict=True)
            weights = ", ".join(
                f"{each.law.name} +{each.aic - fits[0].aic:.0f} (weight {weight:.2f})"
                for each, weight in parts
            )
    header = ["curve", "A0 (nm²)", "rho (1/s)", "C"]
    truth = ["truth", f"{a0 * frame_area:.3g}", f"{rho:.3g}", f"{c:.3g}"]
    energies = maximum_energy_transfer("WS2", 100)
    beam = [[name, f"{energies[name]:.2f}", f"{printed}"] for name, printed in PAPER.items()]
    return f"""# Phase evolution and kinetics

Made by `python benchmarks/kinetics.py --write`; movies are analyzed by the network alone.

The dock *Phase evolution* works on the result that the selected layer is a part of, also while a
run still fills it or a watched folder makes it longer: every second it takes the new frames in,
once what it works on is done. Only a changed setting breaks off a fit that is under way.

## Evolution

![The classes of the sample movie over time](images/napari-evolution.png)

- **Mean probability** of each class, with the *network spread*, one standard deviation over the
  judges, or over the thinned networks, which is no error of the fraction; or the **area
  fraction**, the share of the frame that a class covers, drawn with one standard deviation of its
  interval ([how often it holds](area-fractions.md)).
- **Along**: time, or a column of a table (CSV) that was recorded beside the movie: a temperature, a
  voltage, a dose. *Table…* opens it. Its first line names the columns; one that is called `frame`
  holds frames of the movie, from 0, one that is called `time (s)` (or ms, min, h) the time since
  the first frame, and without either each row is a frame. Between rows values are linear; frames
  before the first row or after the last are not drawn. Heating and cooling are one line that goes
  there and back. In Python that is `nls.evolution.read_column`, without napari
  `lattice-symmetry export movie.zarr --to fractions.png --along log.csv --column "T (K)"`.

![The phases of a heated crystal over its temperature](images/napari-along.png)

- **Region**: only windows whose centers lie in the polygons, rectangles and ellipses of a Shapes
  layer. This spread is kept for whole frames alone; in a region the band is the mean of the
  spreads of its windows, as if each judge or thinned network erred alike in all of them. That is
  an upper bound.
- **Holes, by windows**: see below.
- **Holes, by brightness**: the share of pixels darker than a threshold (or brighter), once a
  Gaussian of half a lattice period has smoothed the lattice away. Otsu's threshold is taken from
  all frames together, since a frame without a hole has no two levels to tell apart. The band is
  what a threshold leaves open that may be off by {THRESHOLD_DOUBT:.0%} of the step from hole to
  film. A frame that cannot be read is left out.
- The dashed line is the frame that napari shows: it follows the time slider, and can be dragged,
  or moved with the arrow keys. *Export* writes CSV, PNG or SVG; F1 shows this page.

## What the noise class measures

A window says noise only where little of its weight lies on a lattice. So the centers of noise
windows lie well inside a hole. The hole reaches farther than these centers, by {MIN_REACH} of the
window, where the lattice beyond a straight edge has {hann_beyond(MIN_REACH):.0%} of the Hann
weight, to {MAX_REACH} of it, where it has {hann_beyond(MAX_REACH):.1%}. *Holes, by windows* is the
area within that reach of a window that says noise; its draws hold every reach between the two, and
what the thinned networks leave open. Of small holes the mean probability of noise is less than
their area; it is no measure of an area.

The network says noise on the center of a hole from {seen_hole_sizes()} windows across on. Smaller
holes may escape. The draws hold one such hole,
whatever its size up to {SEEN_HOLE} windows, where less than that is seen: an interval that begins
at 0 does not end there. Choose windows of 5 to 6 lattice periods to measure holes.

## Kinetics

![The growth law fitted in the dock](images/napari-kinetics.png)

As in Vasudevan et al. 2018, the hole area follows A(t) = A0 exp(rho (t - t1)) + C, with t1 the time
of the first frame: A0 is what has grown by then. A0, rho and C are fitted together, by least
squares, to all frames, of which there must be seven. Logistic growth K / (1 + exp(-rho (t -
t_half))) + C and Avrami (JMAK) growth K (1 - exp(-((t - t0) / tau)^n)) + C are fitted in the same
way, where t0 is the end of the initial interval: drag it to where growth begins. The exponential
and the logistic law hold in all frames, so that for them the interval is only where the search
begins. So is a constant C fitted. Akaike's criterion, corrected for few frames (AICc), says which
of the four the frames speak for. Growth is claimed where no more than {MAX_CHANCE:.0%} of flat
curves that scatter as this one does give as much evidence for it, also without the one frame that
speaks most for it; else the constant comes first, and a sentence says that nothing grows
measurably, or on which frame growth would rest. Several bad frames, or a level that drifts, may
still pass for growth. A curve that is the same in all frames is not fitted.

The 95 % intervals come from fits to {N_DRAWS} curves, each as one thinned network might see it,
with other scatter of the frames. A network that sees more of a class in one frame is taken to see
more in all. In frames {" and ".join(map(str, SEEN_FRAMES))} of the sample movie, in windows of
{WINDOWS[0]} px, the totals of noise in {SEEN_SAMPLES} thinned networks correlate by
{correlation_between_frames(simulated):.2f}. Frames that follow each other
scatter alike (AR(1) noise): how much so is read from the residuals, and what is not known of it
widens the intervals. [Error bars](error-bars.md) shows how often they hold the truth. An estimate
that is marked as *bound* lies at the edge of what is searched, or of what a fraction can be, in the
fit or in more than 2.5 % of the curves: the frames do not tell it, and its interval is none.

A0 is also given as an area and as the radius of a round hole; *rate at the end* is dA/dt at the
last frame, rho times the area that has grown by then. The 9 nm²/s of the paper is another number:
rho, some 0.042 /s, times the area of its whole frame, 216 nm². At that rate the law would grow once
it had covered the frame.

## What is given back

The sample movie has a known law. 95 % intervals in brackets; bold where they hold the truth.

{markdown_table(header, [truth, *rows])}
![Holes by windows of {WINDOWS[0]} px, the fitted law and its residuals](images/kinetics-fit.png)

By brightness, AICc above the best: {weights}.

The small holes of the sample movie are some 70 px across: windows of 64 px see them, larger ones
miss them, and with them C. The mean probability of noise is no area: its intervals hold
the truth by their width, if at all.

## What the beam can do

The greatest energy that an electron of kinetic energy E gives to a nucleus of mass M is
2 (E + 2 E0) E / (M c²), with E0 = 511 keV. The dock and
`nls.evolution.maximum_energy_transfer` give it for each element of a
formula. At 100 kV, in eV:

{markdown_table(["element", "here", "printed in the paper"], beam)}
The formula gives the printed value for sulfur, and less than is printed for tungsten.

## Without napari

`lattice-symmetry kinetics movie.zarr --initial 100 --to kinetics.csv --to kinetics.png` fits the
holes by windows; `--of noise` a class, and `--of brightness --movie movie.tif` the holes by
brightness.
"""


def main() -> None:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/kinetics.md")
    options = parser.parse_args()
    text = report(DOCS / "images" / "kinetics-fit.png" if options.write else None)
    print(text)
    if options.write:
        (DOCS / "kinetics.md").write_text(text)


if __name__ == "__main__":
    main()
