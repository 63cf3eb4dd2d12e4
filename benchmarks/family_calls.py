"""How often `classify`, as it is called, is right on crystals as files hold them, beside spglib.

    python benchmarks/family_calls.py --write

prints the tables; with ``--write`` they also go to ``docs/crystal-classify.md``. All structures and
compositions are those that no training has seen.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from family_structures import (
    AIM_COLUMNS,
    AIMS,
    CONDITIONS,
    SEED,
    TURNED_AIM,
    aim_row,
    draw_examples,
    error_row,
    tell_reached,
)
from metrics import markdown_table, share
from tqdm import tqdm

from napari_lattice_symmetry.crystals import Crystal, classify, read_structure
from napari_lattice_symmetry.crystals.families.classifier import (
    AUTO,
    FINGERPRINT,
    PAIRS_NETWORK,
)
from napari_lattice_symmetry.crystals.families.prototypes import ANSWERS, FAMILIES, NONE, TEST
from napari_lattice_symmetry.crystals.families.symmetry import symmetry_families
from napari_lattice_symmetry.crystals.families.trial import supercell
from napari_lattice_symmetry.crystals.neighbors import neighbor_distance
from napari_lattice_symmetry.networks.calibration import calibration_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.crystals.families.data_set import Example

DOCS = Path(__file__).parents[1] / "docs"
SAMPLES = 100
ASKED = (FINGERPRINT, PAIRS_NETWORK, AUTO)
TOLERANCES = (0.01, 0.05, 0.1, 0.2, 0.3)  # over the distance of neighbors
DEFAULT = 1e-5  # angstrom, the tolerance of spglib where none is given

CELL, BOX, TURNED, CLUSTER = "one cell", "box", "box, turned", "cluster without a cell, turned"
CASES = (
    ("pristine", CELL),
    *(
        (name, BOX)
        for name in (
            "pristine",
            "25 % vacancies",
            "50 % vacancies",
            "displacements of 5 %",
            "displacements of 10 %",
            "50 % vacancies and 10 %",
        )
    ),
    *((name, TURNED) for name in ("pristine", "25 % vacancies", "displacements of 10 %")),
    *(
        (name, CLUSTER)
        for name in (
            "pristine",
            "25 % vacancies",
            "50 % vacancies",
            "displacements of 5 %",
            "displacements of 10 %",
        )
    ),
)
NONE_CASES = (("pristine", CELL), ("pristine", BOX), ("25 % vacancies", BOX))


@dataclass(frozen=True)
class Call:
    """What `classify` and spglib say of crystals of one case.

    Parameters
    ----------
    condition, form : str
        What was done to them, and how they are given.
    right_ones : ndarray of int, shape (n,)
        Indices of `ANSWERS`.
    probabilities : ndarray, shape (n, 8)
        Of each answer.
    by_spglib : ndarray of bool, shape (n, tolerances + 1)
        Whether spglib finds the family within each of `TOLERANCES`, and last by default.
    """

    condition: str
    form: str
    right_ones: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    by_spglib: NDArray[np.bool_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.right_ones)

    def row(self) -> list[str]:
        """Lay it out for the table of the families."""
        unnamed = self.probabilities.argmax(axis=1) == ANSWERS.index(NONE)
        told = [self.condition, self.form, share(self.right), share(unnamed)]
        if self.form == CLUSTER:
            return [*told, "no cell", ""]
        shares = self.by_spglib[:, :-1].mean(axis=0)
        best = int(shares.argmax())
        at = f" at {TOLERANCES[best]:.0%}" if shares[best] else ""
        return [*told, f"{share(self.by_spglib[:, best])}{at}", share(self.by_spglib[:, -1])]


def as_crystal(example: Example, form: str) -> Crystal:
    """Give a structure as a file would hold it; of an alloy one cell has its first element."""
    if form == CELL:
        return Crystal("", example.structure.cell)
    if form == CLUSTER:
        return Crystal("", Atoms(example.symbols, example.positions))
    return supercell("", example.positions, example.symbols, example.lattice)


def call_case(
    condition: str, form: str, count: int, seed: tuple[int, ...], families: tuple[str, ...]
) -> Call:
    """Ask of as many crystals of every family."""
    turned = form in (TURNED, CLUSTER)
    defects = CONDITIONS[condition]
    examples = draw_examples(count, TEST, seed, defects, turned=turned, families=families)
    probabilities, by_spglib = [], []
    for example in tqdm(examples, desc=f"{condition}, {form}", leave=False):
        crystal = as_crystal(example, form)
        probabilities.append(classify([crystal], SAMPLES).probabilities[0])
        least = DEFAULT / neighbor_distance(example.positions)
        found = symmetry_families(crystal, (*TOLERANCES, least))
        by_spglib.append([family == example.family for _, _, family in found])
    right_ones = np.array([ANSWERS.index(each.family) for each in examples])
    return Call(condition, form, right_ones, np.array(probabilities), np.array(by_spglib))


def call_cases(count: int) -> tuple[list[Call], list[Call]]:
    """Ask of crystals of the families in all cases, and of some that are of none of them."""
    of_families = [
        call_case(*case, count, (SEED, 200 + k), FAMILIES) for k, case in enumerate(CASES)
    ]
    many = count * len(FAMILIES)
    of_none = [
        call_case(*case, many, (SEED, 250 + k), (NONE,)) for k, case in enumerate(NONE_CASES)
    ]
    return of_families, of_none


def aim_rows(calls: list[Call], error: float) -> list[list[str]]:
    """Compare what was measured with what was aimed at."""
    found = {(each.condition, each.form): each for each in calls}
    rows = [
        aim_row(f"{name}, {BOX}", "`classify`", found[name, BOX].right, aim)
        for name, aim in AIMS.items()
    ]
    rows += [
        aim_row(f"{name}, {form}", "`classify`", each.right, TURNED_AIM)
        for (name, form), each in found.items()
        if form == CLUSTER
    ]
    named = found["25 % vacancies", BOX].by_spglib.any(axis=1)
    told = ["0.00", share(named), tell_reached(not named.any())]
    return [*rows, ["25 % vacancies, box", "spglib", *told], error_row("`classify`", error)]


def none_row(call: Call) -> list[str]:
    """Lay out how many of none of the families are called so."""
    return [call.condition, call.form, share(call.right)]


def call_error(calls: list[Call]) -> float:
    """Compare the probabilities of all cases together with how often they are right."""
    best = np.concatenate([each.probabilities.max(axis=1) for each in calls])
    right = np.concatenate([each.right for each in calls])
    return float(calibration_error(best.astype(float), right))


def report(count: int) -> str:
    """Measure everything; gives the page."""
    calls, of_none = call_cases(count)
    n = count * len(FAMILIES)
    header = ["structures", "given as", "right", "called none", "spglib at its best", "by default"]
    error = call_error([*calls, *of_none])
    told = ", ".join(f"{each:.0%}" for each in TOLERANCES)
    return f"""# Families as `classify` names them, measured

Made by `python benchmarks/family_calls.py --write --count {count}`; how it works and what it is for
is told in [families](families.md). What each network says alone is on
[another page](crystal-families.md).

`classify(crystals)` with nothing else said, on crystals as files hold them: {n} others a row,
{count} of every family. A *box* is all that is left of a cluster, with the cell over which it would
repeat if it had no defects; *turned* boxes lie in any direction, and what is a *cluster* has no
cell. *One cell* is the conventional cell, or some of them where elements have an order. spglib sees
the same crystals, atoms of all kinds alike, at the tolerance that is best for it in this row, of
{told} of the distance of neighbors, and at its default, {DEFAULT}
angstrom. In brackets stand intervals of 95 % (Wilson).

{markdown_table(header, [each.row() for each in calls])}
Structures of none of the families, {n} a row:

{markdown_table(["structures", "given as", "called none"], [none_row(each) for each in of_none])}
Against what was aimed at, the calibration error over both tables:

{markdown_table(AIM_COLUMNS, aim_rows(calls, error))}"""


def file_rows(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Name the structures of files, those of the seven families first; and count the answers."""
    rows = []
    for path in sorted(folder.glob("*.in")):
        crystal = read_structure(path)
        number, symbol, family = symmetry_families(crystal, (0.02,))[0]
        given = [classify([crystal], SAMPLES, network=name) for name in ASKED]
        told = [(each.family[0], f"{each.probabilities.max():.2f}") for each in given]
        group = f"{symbol} ({number})"
        rows.append((path.stem.partition("__")[2], group, family or NONE, *told))
    rows.sort(key=lambda row: (row[2] == NONE, row[0]))
    counts = []
    for title, outside in (("of the seven families", False), ("of none of them", True)):
        here = [row for row in rows if (row[2] == NONE) == outside]
        right = [sum(row[3 + k][0] == row[2] for row in here) for k in range(len(ASKED))]
        counts.append([title, str(len(here)), *map(str, right)])
    return [[*row[:3], *(" ".join(each) for each in row[3:])] for row in rows], counts


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/crystal-classify.md")
    parser.add_argument("--count", type=int, default=15, help="structures of every family")
    options = parser.parse_args()
    text = report(options.count)
    print(text)
    if options.write:
        (DOCS / "crystal-classify.md").write_text(text)


if __name__ == "__main__":
    main()
