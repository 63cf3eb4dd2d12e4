"""How often the plane group of a window is named right, and how honest its probability is.

    python benchmarks/plane_groups.py --write

prints the tables; with ``--write`` they also go to ``docs/plane-groups.md``; with ``--only
Speed Calibration`` these parts alone are measured, and the others stay as they are on the page.
Real images are measured too where LATTICE_SYMMETRY_DATA names their folder.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import group_checks
import group_speed
import numpy as np
from group_windows import PERIODS, SEED, SIZE, TUNING_SEED, distance, draw, draw_pair, named
from metrics import markdown_table
from scipy.special import ndtr
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells import PlaneGroup, naming, plane_groups
from napari_lattice_symmetry.cells.averaging import merge
from napari_lattice_symmetry.cells.factors import structure_factors
from napari_lattice_symmetry.cells.groups import fit_groups
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.lattice.motifs import draw_motif, random_cell, random_motif
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS, settings
from napari_lattice_symmetry.spectrum import WindowGrid
from napari_lattice_symmetry.spectrum.period import dominant_period

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAGE = Path(__file__).parents[1] / "docs" / "plane-groups.md"
PAIRED, MIN_PAIRED = 12, 10  # windows in a cell of the tables of broken symmetries
# Windows of a group in rows near their aims: so many that chance does not decide.
IN_DOUBT = {"100 counts": 30, "1 count": 20, "30 counts, vacancies 10 %": 20}
MAX_OFF = 0.02  # of confidence from the share that is right
MAX_MS = 10  # of processor time, for the group of a window
CALIBRATED = 100  # windows of a broken pair, half as many of a group: 2,050 in all
SHEAR = np.array([[1, 0], [0.03, 1]])  # rows of the scan, each farther to the side
PAIRS = (("pmm", "p2"), ("p4m", "p4"), ("p6m", "p6"), ("p6m", "p3m1"))
SHIFTS = (0.0, 0.005, 0.01, 0.02, 0.05)
CONDITIONS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("1,000 counts", 1000, {}),
    ("100 counts", 100, {}),
    ("30 counts", 30, {}),
    ("10 counts", 10, {}),
    ("4 counts", 4, {}),
    ("1 count", 1, {}),
    ("30 counts, vacancies 10 %", 30, {"vacancies": 0.1}),
    ("30 counts, disorder 3 %", 30, {"disorder": 0.03}),
    ("30 counts, 7 periods", 30, {"periods": 7}),
    ("30 counts, scan sheared by 3 %", 30, {"shear": SHEAR}),
)
CONDITION_HEADER = [
    "windows",
    "number",
    "aim",
    "right of all",
    "reached",
    "right",
    "resolved",
    "bound",
    "errors",
]
CHECK_HEADER = ["windows", "counts", "number", "right", "resolved", "errors"]
AVERAGE_HEADER = ["pair", "counts", *(f"average of {windows}" for windows in group_checks.MANY)]
GRAIN_HEADER = ["angle", "share", "number", "none", "right", "wrong", "wrong above 0.9"]
MOTIF_HEADER = ["counts", "atoms", "found", "Wyckoff", "alone", "off by", "in errors", "within two"]
MOTIF_HEADER += ["overlap", "off by", "in errors", "within two"]
P_VALUE_HEADER = ["counts", "windows averaged", "number", "p < 0.05", "p < 0.001"]
AIMS = {  # least share to be named right
    "100 counts": 0.995,
    "10 counts": 0.99,
    "1 count": 0.97,
    "30 counts, vacancies 10 %": 0.97,
    "30 counts, disorder 3 %": 0.97,
    "30 counts, scan sheared by 3 %": 0.97,
}

# File, what it shows, its lattice where a scan has distorted it, and the group to be found.
IMAGES: tuple[tuple[str, str, str | None, str], ...] = (
    ("images/Si_110_haadf_5nm.png", "Si [110] HAADF", None, "cmm"),
    ("images/Fe_bcc100_grainboundary.npy", "bcc Fe [100], two grains", None, "p4m"),
    ("images/MoS2_stem_Exp-001-5.npy", "MoS2 HAADF", "hexagonal", "p3m1"),
    ("simulated/ai4stem_HCP_Ti_0001.npy", "Ti [0001], multislice", None, "p6m"),
    ("simulated/ai4stem_FCC_Cu_110.npy", "Cu [110], multislice", None, "cmm"),
    ("simulated/ai4stem_BCC_Fe_110.npy", "Fe [110], multislice", None, "pmm"),
    ("images/STO_001_haadf_nsid.hf5", "SrTiO3 [001] HAADF", None, "p4m"),
    ("images/stm_graphite_vasudevan2018_MOESM4.tif", "graphite STM", "hexagonal", "p6m"),
    ("images/Pt_single_atoms_on_amorphous_C.tif", "Pt on amorphous carbon", None, "none"),
)


def condition_rows(n: int) -> list[list[str]]:
    """Measure what is named right over the 17 groups, on more windows where that is in doubt."""
    rows = []
    for title, counts, options in tqdm(CONDITIONS, desc="conditions", leave=False):
        found, groups, missed = [], [], []
        for group in PLANE_GROUPS:
            rng = np.random.default_rng((SEED, PLANE_GROUPS.index(group), int(counts)))
            many = range(IN_DOUBT.get(title, n))
            drawn = [draw(group, rng, counts, **options) for _ in many]
            found += named(drawn)
            groups += [group] * len(drawn)
            missed += [ndtr(-distance(each) / 2) for each in drawn]
        number, right, resolved, most = group_checks.shares_of(found, groups)
        names = np.array([each.name or "" for each in found])
        every = float(np.mean(names == np.array(groups)))
        aim, reached = "", ""
        if title in AIMS:
            aim, reached = f"{AIMS[title]:.1%}", "yes" if every >= AIMS[title] else "no"
        possible = f"{1 - np.mean(missed):.1%}"
        rows.append([title, number, aim, f"{every:.1%}", reached, right, resolved, possible, most])
    return rows


def metric_rows(n: int) -> list[list[str]]:
    """Measure groups on lattices of a higher symmetry than they need."""
    rows = []
    for family, groups in (
        ("square", ("p1", "p2", "pm", "pg", "cm", "pmm", "pmg", "pgg", "cmm")),
        ("hexagonal", ("p1", "p2", "cm", "cmm")),
        ("rectangular", ("p1", "p2")),
        ("centered rectangular", ("p1", "p2")),
    ):
        right = []
        for group in groups:
            rng = np.random.default_rng((SEED, 5, PLANE_GROUPS.index(group)))
            found = named([draw(group, rng, 30, family=family) for _ in range(n)])
            right += [each.name == group for each in found if each.resolved]
        rows.append([family, ", ".join(groups), f"{np.mean(right):.1%}"])
    return rows


def pair_rows(n: int) -> list[list[str]]:
    """Count windows in which a broken symmetry is found."""
    rows = []
    for higher, lower in tqdm(PAIRS, desc="pairs", leave=False):
        for counts in (10, 100):
            row = [f"{higher} to {lower}", str(counts)]
            for shift in SHIFTS:
                rng = np.random.default_rng((SEED, 1, int(1000 * shift), counts))
                windows = [draw_pair(higher, lower, shift, rng, counts) for _ in range(n)]
                row.append(str(sum(each.name == lower for each in named(windows))))
            rows.append(row)
    return rows


def pseudosymmetric(n: int, seed: int) -> Iterator[tuple[PlaneGroup, str]]:
    """Name windows with and without a broken symmetry, each with its true group."""
    rng = np.random.default_rng((seed, 2))
    for higher, lower in PAIRS:
        for counts in (10, 30, 100):
            drawn = [
                draw_pair(higher, lower, float(rng.choice((0, 0.005, 0.01, 0.02))), rng, counts)
                for _ in range(n)
            ]
            yield from zip(named(drawn), [each.group for each in drawn], strict=True)
    for group in PLANE_GROUPS:
        found = named([draw(group, rng, float(rng.choice((1, 4, 30)))) for _ in range(n // 2)])
        yield from zip(found, [group] * len(found), strict=True)


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Mean distance of confidence from the share that is right, in bins of equal number."""
    order = np.argsort(confidence)
    bins = np.array_split(order, 10)
    gaps = [abs(confidence[each].mean() - right[each].mean()) * len(each) for each in bins]
    return float(np.sum(gaps) / len(confidence))


def chance_error(confidence: NDArray[np.float64]) -> float:
    """Give the error that so few windows show where every probability holds."""
    rng = np.random.default_rng(SEED)
    drawn = rng.random((200, len(confidence))) < confidence
    return float(np.mean([calibration_error(confidence, each) for each in drawn]))


def calibration_rows(n_tuning: int, n: int) -> tuple[list[list[str]], str]:
    """Fit the temperature on one seed, and measure on another how honest probabilities are."""
    tuning = list(pseudosymmetric(n_tuning, TUNING_SEED))
    temperatures = np.geomspace(0.5, 2, 29)

    def tempered(found: PlaneGroup, temperature: float) -> dict[str, float]:
        power = {
            name: chance ** (naming.TEMPERATURE / temperature)
            for name, chance in found.probabilities.items()
        }
        return {name: value / sum(power.values()) for name, value in power.items()}

    def loss(temperature: float) -> float:
        chances = [tempered(found, temperature)[true] for found, true in tuning if found.resolved]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    best = temperatures[int(np.argmin([loss(each) for each in temperatures]))]
    rows = []
    for title, seed in (("tuning", TUNING_SEED), ("other windows", SEED)):
        pairs = [
            pair
            for pair in (tuning if seed == TUNING_SEED else pseudosymmetric(n, seed))
            if pair[0].resolved
        ]
        confidence = np.array([found.probabilities[found.name or ""] for found, _ in pairs])
        right = np.array([found.name == true for found, true in pairs])
        sure = confidence > 0.9
        rows.append(
            [
                title,
                str(len(pairs)),
                f"{right.mean():.1%}",
                f"{confidence.mean():.1%}",
                f"{calibration_error(confidence, right):.1%}",
                f"{chance_error(confidence):.1%}",
                f"{1 - right[sure].mean():.1%}",
            ]
        )
    return rows, f"{best:.2f}"


def false_rows(n: int) -> list[list[str]]:
    """Count windows without a crystal that are given a group."""
    rng = np.random.default_rng((SEED, 3))
    size = 128
    y, x = np.mgrid[:size, :size]

    def noise() -> NDArray[np.float64]:
        return rng.poisson(rng.uniform(1, 50), (size, size)).astype(np.float64)

    def fringes() -> NDArray[np.float64]:
        angle, period = rng.uniform(0, np.pi), rng.uniform(5, 16)
        wave = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
        harmonics = 0.3 * np.cos(4 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
        return rng.poisson(rng.uniform(5, 50) * (1.5 + wave + harmonics).clip(0)).astype(float)

    def amorphous() -> NDArray[np.float64]:
        atoms = rng.uniform(-5, size + 5, (int(rng.integers(80, 500)), 2))
        image = draw_atoms(atoms, rng.uniform(0.5, 1, len(atoms)), 2.0, (size, size)) + 0.1
        return count_electrons(image, rng.uniform(5, 100), rng)

    kinds: dict[str, Callable[[], NDArray[np.float64]]] = {
        "noise": noise,
        "fringes": fringes,
        "amorphous": amorphous,
    }
    rows = []
    for title, make in kinds.items():
        found = plane_groups(np.array([make() for _ in range(n)]))
        rows.append([title, str(n), str(sum(each.resolved for each in found))])
    return rows


def p_value_rows() -> list[list[str]]:
    """Count how often noise seems to break the true group, in windows and in their average."""
    rows = []
    for counts in (10, 100, 1000):
        single: list[float] = []
        average: list[float] = []
        for group in PLANE_GROUPS:
            rng = np.random.default_rng((SEED, 6, PLANE_GROUPS.index(group), counts))
            motif = random_motif(group, rng)
            basis = random_cell(motif.family, SIZE / PERIODS, rng)
            drawn = np.array(
                [draw_motif(motif, basis, SIZE, rng, counts=counts) for _ in range(16)]
            )
            averaged = nls.cells.average_cell(drawn, motif.family).group
            for found, values in (
                (plane_groups(drawn, motif.family), single),
                ([averaged], average),
            ):
                values += [each.table[group].p_value for each in found if group in each.table]
        for title, values in (("1", single), ("16", average)):
            shares = [f"{np.mean(np.array(values) < least):.1%}" for least in (0.05, 0.001)]
            rows.append([str(counts), title, str(len(values)), *shares])
    return rows


def image_row(data: Path, file: str, shows: str, known: str | None, expected: str) -> list[str]:
    """Name the group of a real image in windows of ten periods, and of their average."""
    frame = nls.read_movie(data / file).frame(0).astype(np.float64)
    period = dominant_period(frame)
    side = min(frame.shape)
    window = 128 if period is None else int(min(round(10 * period), side))
    grid = WindowGrid(frame.shape, window, max(1, (side - window) // 2))
    windows = grid.windows(frame).reshape(-1, window, window)
    # Windows that overlap share their noise, and are not averaged.
    apart = WindowGrid(frame.shape, window, window).windows(frame).reshape(-1, window, window)
    found = plane_groups(windows, known)
    row = [shows, expected, *_singles(found, expected)]
    try:
        cell = nls.cells.average_cell(apart, known)
    except nls.LatticeSymmetryError as error:
        return [*row, str(error), "", ""]
    average = cell.group
    broken = [
        f"{name} {average.table[name].departure:.0%}"
        for name in PLANE_GROUPS[1:]
        if name in average.table
    ]
    return [*row, average.remarks, ", ".join(broken), _before(cell, expected)]


def _singles(found: list[PlaneGroup], expected: str) -> list[str]:
    """Count the names of single windows, and say why they have another than is expected."""
    names = Counter(each.name or "not resolved" for each in found)
    why = []
    for each in found:
        if each.name not in (None, expected) and expected in each.table:
            row = each.table[expected]
            broken = f"R of {expected} is {row.departure:.0%} ({_chance(row.p_value)})"
            noise = f" and noise explains {each.name} ({_chance(each.p_value)})"
            why.append(f"{each.name}: {broken}{'' if each.within_tolerance else noise}")
    why += [each.reason for each in found if not each.resolved]
    why = [f"{text} ({times})" for text, times in Counter(why).most_common()]
    return [", ".join(f"{name} {times}" for name, times in names.most_common()), "; ".join(why)]


def _chance(p_value: float) -> str:
    return "p < 1e-6" if p_value < 1e-6 else f"p = {p_value:.1g}"


def _before(cell: nls.cells.UnitCell, expected: str) -> str:
    """Give R of the expected group with whatever blur there is."""
    n = len(cell.windows)
    factors = structure_factors(
        cell.windows, np.tile(cell.primitive / cell.pixel_size[::-1], (n, 1, 1))
    )
    fits = fit_groups(merge(factors)[0], cell.group.lattice, naming._SYSTEMATIC)
    names = [each.group for each in settings(cell.group.lattice)]
    found = [r for r, name in zip(fits.departure[0], names, strict=True) if name == expected]
    return f"{min(found):.0%}" if found else ""


def groups_part(n: int) -> str:
    """Measure the part of this name."""
    return f"""\
Share that was to be named right, and that was, of all windows and of the resolved ones, share
resolved, and the most frequent errors. Counts are those of the brightest pixel. The bound is what
one could reach who knew the lattice, and both the true picture without noise and the nearest one
of a higher group, and had only to tell which of them it is: atoms are drawn at random, and some lie
so near to a higher symmetry that noise hides it.

{markdown_table(CONDITION_HEADER, condition_rows(n))}
For comparison, published for a network (XCiT) trained on 10 million images, on its own images of
atoms without noise: 91.8 %.

On lattices of a higher symmetry than the group needs, at 30 counts:

{markdown_table(["lattice", "groups", "right"], metric_rows(n))}"""


def pseudosymmetry_part(_n: int) -> str:
    """Measure the part of this name."""
    rows = pair_rows(PAIRED)
    at = 2 + SHIFTS.index(0.01)
    fewest = min(int(row[at]) for row in rows if row[1] == "100")
    reached = "they are, in every pair" if fewest >= MIN_PAIRED else "they are not in every pair"
    return f"""\
Half of the atoms moved by a share of the cell's side: windows of {PAIRED} in which the true, lower
group is named. At 0 the higher group is the true one, and every window counted is wrong. At 1 % and
100 counts at least {MIN_PAIRED} were to be found: {reached}.

{markdown_table(["pair", "counts", *(f"{shift:.1%}" for shift in SHIFTS)], rows)}
Averaged over windows of one crystal, as of a grain or of the frames of a movie:

{markdown_table(AVERAGE_HEADER, group_checks.averaging_rows(PAIRED))}
The last rows are of windows that are not broken, in which the higher group is to be named, and of
one count."""


def other_pictures_part(n: int) -> str:
    """Measure the part of this name."""
    return f"""\
Windows of all 17 groups that are drawn otherwise, or whose lattice is given with an error: a strain
in a direction by chance.

{markdown_table(CHECK_HEADER, group_checks.robust_rows(n))}
Pictures that another generator made: views of tabulated crystals along zone axes, whose group
follows from the crystal. Graphene along [111] passes for p6m, as its lattice departs from hexagonal
by less than the tolerance, and the faint columns of MoS2 along [100] may be missed. Three pictures
by multislice are among the images below.

{markdown_table(CHECK_HEADER, group_checks.other_rows(n))}"""


def two_grains_in_a_window_part(n: int) -> str:
    """Measure the part of this name."""
    return f"""\
One crystal, and the same turned by an angle in a share of the window, at 30 counts: none is named,
that of the crystal, or another one; and how many of the last have a probability above 0.9.

{markdown_table(GRAIN_HEADER, group_checks.grain_rows(n // 4))}"""


def atoms_of_the_cell_part(n: int) -> str:
    """Measure the part of this name."""
    return f"""\
Of windows whose group is right. Found is an atom within a tenth of the cell from where it was
drawn; of an atom alone the Wyckoff position is right if as many operations leave it as it is. Then,
for atoms in general positions, the median distance in pixels, how this compares with what the
stated errors let expect (1 if they are right), and the share within two of them (95 % if they are);
first of atoms alone, then of those that are said to overlap or to be hidden. Atoms drawn at random
lie closer than in most crystals: where two are seen as one, the fit of round peaks lacks the other.
Places are compared in the image, and the errors are those in the cell: that of its origin is not in
them. An atom in general position that was found on a special one is off by more than any error.

{markdown_table(MOTIF_HEADER, group_checks.motif_rows(n // 3))}"""


def calibration_part(n: int) -> str:
    """Measure the part of this name."""
    calibration, temperature = calibration_rows(2 * n, CALIBRATED)
    header = ["windows", "number", "right", "confidence", "error", "by chance", "wrong above 0.9"]
    reached = "reached" if float(calibration[-1][4].rstrip("%")) <= 100 * MAX_OFF else "missed"
    return f"""\
Windows with and without a broken symmetry, 10 to 100 counts, and all groups at 1 to 30 counts.
Of temperatures in steps of 5 % the one that suits the tuning windows best is {temperature}; the
product has {naming.TEMPERATURE:.2f}. The error is the mean distance of confidence from the share
that is right, in ten bins, and was to be at most {MAX_OFF:.0%}, which is {reached}; by chance,
that of as many windows whose probabilities all hold.

{markdown_table(header, calibration)}"""


def p_values_part(_n: int) -> str:
    """Measure the part of this name."""
    return f"""\
How often the p-value of the true group is below a bound, in windows and in the average of 16
windows of a crystal. If noise were all, it would be so in as large a share of them as the bound.

{markdown_table(P_VALUE_HEADER, p_value_rows())}"""


def windows_without_a_crystal_part(_n: int) -> str:
    """Measure the part of this name."""
    return "None was to be given a group.\n\n" + markdown_table(
        ["windows", "number", "given a group"], false_rows(334)
    )


def speed_part(_n: int) -> str:
    """Measure the part of this name."""
    cost = group_speed.measure()
    rows = group_speed.window_rows()
    costs = np.array([row[1 : 1 + len(group_speed.SIZES)] for row in rows], dtype=np.float64)
    return f"""\
Processor time of a window in ms, for the group and for the lattice fit before it, with ten periods
a window, on the machine of the page on [performance](performance.md). {MAX_MS} was to be the most:
of {_beyond(costs)} a group takes more, and on processors half as fast of {_beyond(2 * costs)}.

{markdown_table(group_speed.HEADER, rows)}
A frame of 512 x 512 px at a stride of 32 px, with its classes and plane groups, takes
{cost.processor:.1f} s of one core, of which plane groups take {cost.share:.0%}; 3 s on two cores
were to be the most."""


def _beyond(costs: NDArray[np.float64]) -> str:
    """Name the sides of windows of which some take longer than they should."""
    sides = np.array(group_speed.SIZES)[(costs > MAX_MS).any(axis=0)]
    return f"windows of {' and '.join(map(str, sides))} px" if len(sides) else "no windows"


def real_images_part(_n: int) -> str:
    """Name the groups of real images, where there are any."""
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    if not folder:
        return ""
    rows = [image_row(Path(folder), *image) for image in tqdm(IMAGES, desc="images", leave=False)]
    header = ["image", "expected", "single windows", "why others", "their average"]
    header += ["R of each group", "R before"]
    return f"""\
Windows of ten periods, and the average of all that show the same lattice. R is told after a blur
that is not the same in all directions is taken off; the last column has it before. A single window
has another name where its R of the group that is expected is beyond the tolerance of 20 %, or where
its noise explains the lower group and not that one; and none where too few spots stand out of the
noise: averaging is for such windows. (Last in brackets: how many there are.) Scans have sheared
MoS2 and graphite so much that the class of their lattices is given, that which is expected.

{markdown_table(header, rows)}"""


SECTIONS: dict[str, Callable[[int], str]] = {
    "All 17 groups": groups_part,
    "Pseudosymmetry": pseudosymmetry_part,
    "Other pictures": other_pictures_part,
    "Two grains in a window": two_grains_in_a_window_part,
    "Atoms of the cell": atoms_of_the_cell_part,
    "Calibration": calibration_part,
    "p-values": p_values_part,
    "Windows without a crystal": windows_without_a_crystal_part,
    "Speed": speed_part,
    "Real images": real_images_part,
}


def page(n: int, only: Sequence[str]) -> str:
    """Measure all parts, or some, and give the page."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    kept = dict(part.split("\n", 1) for part in old.split("\n## ")[1:])
    text = f"""# Plane groups, measured

Made by `python benchmarks/plane_groups.py --write`; how it works is told in [cells](cells.md).
Windows have {SIZE} px and {PERIODS} periods, three atoms that symmetry does not bring about, any
direction, and the lattice that the product fits to them. The label is the group of the drawn
atoms by exact operations. No number of the method was tuned on these seeds.
"""
    for title, measure in SECTIONS.items():
        part = measure(n) if title in only or not only else kept.get(title, "")
        text += f"\n## {title}\n\n{part.strip()}\n" if part.strip() else ""
    return text


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=12, help="windows of a group in a row")
    parser.add_argument("--write", action="store_true", help="write docs/plane-groups.md")
    parser.add_argument("--only", nargs="+", default=[], choices=SECTIONS, metavar="PART")
    options = parser.parse_args()
    text = page(options.windows, options.only)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
