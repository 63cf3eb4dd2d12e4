"""How often a match of crystals to a lattice is right, ambiguous where it has to be, or wrong.

    python benchmarks/crystals.py --write

prints the tables; with ``--write`` they also go to ``docs/crystal-match.md``. Real images are
matched too where LATTICE_SYMMETRY_DATA names their folder.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from match_pictures import (
    AXES,
    COUNTS,
    CRYSTALS,
    DIRECTIONS,
    DRIFT,
    FAR,
    LAYERS,
    MAX_INDEX,
    OUTCOMES,
    PIXEL,
    RIGHT,
    RIGHTLY,
    SIZE,
    UNRESOLVED,
    WRONG,
    Picture,
    draw_multislice,
    draw_pictures,
    judge,
)
from metrics import markdown_table
from multislice import CRYSTALS as CELLS
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.analysis.correction import measure_distortion
from napari_lattice_symmetry.crystals import (
    Crystal,
    Projection,
    fingerprint,
    match,
    project,
    prototype,
    zone_axes,
)
from napari_lattice_symmetry.crystals.clusters import cluster
from napari_lattice_symmetry.crystals.phases import NONE_OF_THESE
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.period import dominant_period

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).parents[1] / "docs"
TOLERANCES = (0.02, 0.03, 0.05)
TOLERANCE = 0.03
TEN = ("SrTiO3", "Si", "Fe", "Cu", "Ti", "MoS2", "Au", "GaAs", "MgO", "WSe2")
PERIODS = 10
LOOSE = 0.1


@dataclass(frozen=True)
class RealImage:
    """An image, what it shows, and the pixel size in nm that comes with it.

    Where a share of it, from the left, is known, the lattice of the crystal there corrects the
    image, size and shear, and what is not known is matched; all of it if all is known.
    """

    file: str
    crystal: str
    zone: tuple[int, ...]
    pixel_size: float
    rows: tuple[float, float] = (0.0, 1.0)
    remark: str = ""
    known: float = 0.0


IMAGES = (
    RealImage("images/STO_001_haadf_nsid.hf5", "SrTiO3", (0, 0, 1), 0.01456),
    RealImage("images/Si_110_haadf_5nm.png", "Si", (1, 1, 0), 0.00977),
    RealImage(
        "images/Fe_bcc100_grainboundary.npy", "Fe", (0, 0, 1), 0.01245, (0, 0.4), ", upper grain"
    ),
    RealImage(
        "images/Fe_bcc100_grainboundary.npy", "Fe", (0, 0, 1), 0.01245, (0.6, 1), ", lower grain"
    ),
    RealImage("simulated/ai4stem_FCC_Cu_110.npy", "Cu", (1, 1, 0), 0.012, remark=", multislice"),
    RealImage("simulated/ai4stem_HCP_Ti_0001.npy", "Ti", (0, 0, 1), 0.012, remark=", multislice"),
    RealImage("images/MoS2_stem_Exp-001-5.npy", "MoS2", (0, 0, 1), 0.01367),
    *(
        RealImage(file, crystal, zone, pixel_size, (0, 1), remark, known)
        for file, crystal, zone, pixel_size in (
            ("images/Si_110_haadf_5nm.png", "Si", (1, 1, 0), 0.00977),
            ("images/MoS2_stem_Exp-001-5.npy", "MoS2", (0, 0, 1), 0.01367),
        )
        for remark, known in (
            (", corrected", 1.0),
            (", right half, corrected by the left one", 0.5),
        )
    ),
)


def answer(outcome: str, names: list[str], seen: Projection) -> str:
    """Word an answer for a table: axis, and what else is named."""
    axis = "[" + " ".join(map(str, seen.zone)) + "]"
    others = [name for name in names if name != seen.name]
    told = f"or {len(others)} others" if len(others) > 2 else " or ".join(["", *others]).strip()
    if outcome == RIGHT:
        return f"{axis}"
    if outcome in (RIGHTLY, FAR):
        return f"{axis} {told}" + (" (far)" if outcome == FAR else "")
    return f"{axis} **{outcome}**" + (f": {', '.join(names[:2])}" if names else "")


def tolerance_rows(
    pictures: list[Picture], crystals: Sequence[Crystal], *, by_group: bool = False
) -> tuple[list[list[str]], dict[str, list[str]]]:
    """Judge all pictures at every tolerance; and word all answers at the usual one."""
    rows, answers = [], {}
    for tolerance in TOLERANCES:
        outcomes: Counter[str] = Counter()
        for picture in tqdm(pictures, desc=f"within {tolerance:.0%}", leave=False):
            outcome, names, _ = judge(picture, crystals, tolerance, by_group=by_group)
            outcomes[outcome] += 1
            if tolerance == TOLERANCE:
                told = answers.setdefault(picture.crystal.name, [])
                told.append(answer(outcome, names, picture.seen))
        title = f"{tolerance:.0%}, with plane groups" if by_group else f"{tolerance:.0%}"
        good = (outcomes[RIGHT] + outcomes[RIGHTLY]) / len(pictures)
        counts = (str(outcomes[each]) for each in OUTCOMES)
        rows.append([title, *counts, f"{good:.0%}"])
    return rows, answers


def share_of_groups(pictures: list[Picture]) -> str:
    """Say in which share of windows the plane group that is found is that of the projection."""
    return f"{np.mean([each.group == each.seen.plane_group for each in pictures]):.0%}"


def none_rows(pictures: list[Picture]) -> list[list[str]]:
    """Match all pictures with their own crystal left out of the candidates."""
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for picture in tqdm(pictures, desc="left out", leave=False):
        crystals = [prototype(name) for name in CRYSTALS if name != picture.crystal.name]
        outcome, _, alike = judge(picture, crystals, TOLERANCE)
        counts[alike][outcome] += 1
    titles = {False: "no other lattice is within the tolerance", True: "another one is"}
    return [
        [titles[alike], *(str(counts[alike][each]) for each in (NONE_OF_THESE, WRONG, UNRESOLVED))]
        for alike in (False, True)
    ]


def image_row(data: Path, image: RealImage, crystals: Sequence[Crystal]) -> list[str]:
    """Match the windows of a real image, of ten periods each."""
    frame = nls.read_movie(data / image.file).frame(0).astype(np.float64)
    first, last = (round(share * len(frame)) for share in image.rows)
    frame = frame[first:last]
    side, period = min(frame.shape), dominant_period(frame)
    window = side if period is None else int(min(round(PERIODS * period), side))
    truth, distortion = project(prototype(image.crystal), image.zone), None
    if image.known:
        split = round(image.known * frame.shape[1])
        cell = (truth.a, truth.b, truth.gamma)
        measured = measure_distortion(frame[:, :split], cell, pixel_side=image.pixel_size)
        distortion = measured.matrix
        frame = frame[:, split:] if image.known < 1 else frame
        window = min(window, *frame.shape)
    grid = WindowGrid(frame.shape, window, max(1, (min(frame.shape) - window) // 2))
    fits = nls.fit_lattices(grid.windows(frame), image.pixel_size, distortion=distortion)
    told = ", ".join(
        f"{np.nanmedian(values):{digits}}"
        for values, digits in ((fits.a, ".4f"), (fits.b, ".4f"), (fits.gamma, ".1f"))
    )
    expected = f"{truth.a:.4f}, {truth.b:.4f}, {truth.gamma:.1f}"
    row = [f"{truth.name}{image.remark}", f"{image.pixel_size}", expected, told]
    for tolerance in (TOLERANCE, LOOSE):
        found = match(fits, crystals, MAX_INDEX, tolerance)
        row.append(shares(found, truth))
    return row


def shares(found: nls.crystals.CrystalMatch, truth: Projection) -> str:
    """Word the phases of an image with their shares, the crystal that is there in bold."""
    total = int((found.labels > 0).sum())
    told = []
    for value, phase in enumerate(found.phases, 1):
        count = int((found.labels == value).sum())
        if not count:
            continue
        named = [found.candidates[k].name for k in (phase.candidate, *phase.alternatives) if k >= 0]
        others = [name for name in named if name != truth.name]
        text = NONE_OF_THESE if not named else " or ".join(others[:3])
        if len(others) > 3:
            text += f" or {len(others) - 3} more"
        if truth.name in named:
            text = f"**{truth.name}**" + (f" or {text}" if others else "")
        told.append(f"{text} {count / total:.0%}")
    return "; ".join(told) or "no lattice"


def tell_held(rows: list[list[str]]) -> str:
    """Say which images are named, alone or with others, in most windows, and which are not."""
    named = {row[0]: sum(map(int, re.findall(r"\*\*[^;]*? (\d+)%", row[-2]))) for row in rows}
    told = []
    for title, corrected in (("As they were recorded", False), ("Corrected", True)):
        here = {name: share for name, share in named.items() if ("corrected" in name) == corrected}
        held = [f"{name} ({share}%)" for name, share in here.items() if share > 50]
        not_held = [f"{name} ({share}%)" for name, share in here.items() if share <= 50]
        told.append(
            f"{title}, {len(held)} of {len(here)} hold: the crystal that is there is named, alone "
            f"or with others, in most windows within {TOLERANCE:.0%}. These are {'; '.join(held)}. "
            f"Not so: {'; '.join(not_held) or 'none'}."
        )
    return "\n\n".join(fill(each, 100) for each in told)


def speed_rows(n: int = 20) -> list[list[str]]:
    """Measure the processor time of fingerprints on one core."""
    rows = []
    with threadpool_limits(1):
        for name in ("Cu", "Si", "SrTiO3", "LaMnO3", "MoS2"):
            crystal = prototype(name)
            atoms = len(cluster(crystal)[0])
            fingerprint(crystal)
            start = time.process_time()
            for _ in range(n):
                fingerprint(crystal)
            rows.append([name, str(atoms), f"{1e3 * (time.process_time() - start) / n:.1f}"])
    return rows


def report(data: Path | None) -> str:
    """Measure everything; gives the page."""
    pictures = draw_pictures()
    crystals = [prototype(name) for name in CRYSTALS]
    rows, answers = tolerance_rows(pictures, crystals)
    rows += tolerance_rows(pictures, crystals, by_group=True)[0]
    answered = [[name, *told] for name, told in answers.items()]
    multislice = draw_multislice()
    more = [*crystals, *map(prototype, LAYERS)]
    scattered = [
        row
        for by_group in (False, True)
        for row in tolerance_rows(multislice, more, by_group=by_group)[0]
    ]
    judged = ["tolerance", *OUTCOMES, "right or rightly ambiguous"]
    left_out = ["pictures", NONE_OF_THESE, "another crystal", UNRESOLVED]
    axes = ["crystal", *(f"axis {k}" for k in range(1, AXES + 1))]
    n = len(project_all())
    text = f"""# Crystals, measured

Made by `python benchmarks/crystals.py --write`; how it works is told in
[which crystal](crystals.md).

## Simulated pictures

{len(CRYSTALS)} crystals along their {AXES} shortest axes: {len(pictures)} windows of {SIZE} px of
{PIXEL} nm in any direction, at {COUNTS} counts where they are brightest, with a drift of
{DRIFT:.0%} of the scan in any direction. Candidates are all of these crystals along all axes up to
index {MAX_INDEX}, {n} in all. No number of the method was tuned on these pictures.

An answer is *right* where it names the crystal and its axis alone, *rightly ambiguous* where each
candidate that it names besides has a lattice within the tolerance of the true one, so that the
lattice cannot tell them apart, and *ambiguous with a far one* where one of them has not. With plane
groups the match is given the one that is found in the window, which is that of the projection in
{share_of_groups(pictures)} of these.

{markdown_table(judged, rows)}
The answers at {TOLERANCE:.0%}. A row lists what is named beside the axis that was drawn.

{markdown_table(axes, answered)}
## Pictures by multislice

{len(multislice)} windows of the same size, counts and drift, {DIRECTIONS} of each of
{", ".join(CELLS)}, of which cells
were computed by multislice (`benchmarks/multislice.py`). Candidates are the same and
{" and ".join(LAYERS)}. The plane group that is found is that of the projection in
{share_of_groups(multislice)} of these.

{markdown_table(judged, scattered)}
## None of these

The same pictures at {TOLERANCE:.0%}, with the crystal that was drawn left out of the candidates.

{markdown_table(left_out, none_rows(pictures))}
## Fingerprints

Processor time on one core; the aim is 25 ms.

{markdown_table(["crystal", "atoms", "ms"], speed_rows())}"""
    if data is not None:
        crystals = [prototype(name) for name in TEN]
        rows = [image_row(data, image, crystals) for image in tqdm(IMAGES, desc="images")]
        header = ["image", "pixel (nm)", "crystal: a, b, gamma", "image: a, b, gamma"]
        held = tell_held(rows)
        text += f"""
## Real images

Windows of {PERIODS} periods, and the ten candidates {", ".join(TEN)} along all axes
up to index {MAX_INDEX}. The pixel size is the one that comes with the image. Shares of the windows
with a lattice; the crystal that is there is in bold. A lattice that is larger than that of its
crystal in all directions tells of a wrong pixel size, and one with another angle of a sheared scan:
"none of these" is then the answer to be had. What is *corrected* was first measured by the lattice
that is known to be there, as `analyze --known a,b,gamma` does, which takes away a wrong pixel size
as well as a shear; on the left half only, where the right half is matched. What differs even then
changed while the image was scanned.

{held}

{markdown_table([*header, f"within {TOLERANCE:.0%}", f"within {LOOSE:.0%}"], rows)}"""
    return text


def project_all() -> list[Projection]:
    """List all candidates of the simulated pictures."""
    crystals = [prototype(name) for name in CRYSTALS]
    return [project(each, zone) for each in crystals for zone in zone_axes(each, MAX_INDEX)]


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/crystal-match.md")
    options = parser.parse_args()
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    text = report(Path(folder) if folder else None)
    print(text)
    if options.write:
        (DOCS / "crystal-match.md").write_text(text)


if __name__ == "__main__":
    main()
