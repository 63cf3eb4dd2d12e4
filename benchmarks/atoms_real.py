"""What is found in real images of atoms, and in one that others have simulated."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table

import napari_lattice_symmetry as nls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_lattice_symmetry.atoms import Atoms, Defects, Rings

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "atoms-mos2.png"
SAMPLING, MOS2_SAMPLING = 0.0078125, 0.01367
BOND, DENSITY, MO_TO_S = 0.142, 38.2, 0.183
LISTED = (5, 7)


def describe(folder: Path) -> str:
    """Lay out what is found in the images of a folder."""
    grains, rings = grain_boundary(folder)
    layer, atoms, defects = vacant_layer(folder)
    draw_layer(layer, atoms, defects)
    missing = defects[defects.kind == "missing"]
    rows = [*simulated(folder), grains, silicon(folder), sites(layer, atoms, defects)]
    odd = rings[np.isin(rings.size, LISTED)]
    return "\n\n".join(
        (
            markdown_table(["image", "found", "known, or aim"], rows).strip(),
            "Rings of five and seven atoms of the grain boundary, x and y in nm:",
            markdown_table(
                ["ring of", "number", "at"],
                [
                    [str(size), str(int((odd.size == size).sum())), places(odd[odd.size == size])]
                    for size in LISTED
                ],
            ).strip(),
            f"Sites of MoS2 that are missing, x and y in nm, of {len(missing)}:",
            places(missing, MOS2_SAMPLING),
            "Part of the image (MIT, ziatdinovmax/SciLink): Mo blue, S2 yellow, missing sites red.",
            f"![Mo and S2 sites, and those that are missing](images/{PICTURE.name})",
        )
    )


def places(table: Rings | Defects, pixel: float = SAMPLING) -> str:
    """List places in nm."""
    pairs = zip(table.x.tolist(), table.y.tolist(), strict=True)
    return "; ".join(f"{pixel * x:.2f}, {pixel * y:.2f}" for x, y in pairs)


def simulated(folder: Path) -> Iterator[list[str]]:
    """Find graphene that others simulated, with its scale measured and given."""
    data = np.load(folder / "atoms" / "graphene_simulated_labelled.npz")
    true = data["positions"]  # rows before columns
    true = true[((true >= 0) & (true <= 511)).all(axis=1)]
    clump = partial(np.all, axis=1)
    for given in ({}, {"spacing": BOND / SAMPLING}):
        found = nls.atoms.find_atoms(data["image"], pixel_size=SAMPLING, **given)
        kept = found[~clump(found.positions > (350, 390))]
        far = ~clump(true > (350, 390))
        told = nls.atoms.score(kept, true[far], 0.05, ignore=true[~far])
        how = "spacing given" if given else "spacing measured"
        yield [
            f"graphene, simulated elsewhere, off its clump, {how}",
            (
                f"F1 {told.f1:.3f} (precision {told.precision:.3f}, recall {told.recall:.3f}), "
                f"error {1000 * told.error:.0f} pm"
            ),
            "F1 0.99",
        ]


def grain_boundary(folder: Path) -> tuple[list[str], Rings]:
    """Find the atoms of a grain boundary, and its rings."""
    image = np.load(folder / "atoms" / "graphene_stem_grainboundary_4nm.npy")
    found = nls.atoms.find_atoms(image, pixel_size=SAMPLING, spacing=BOND / SAMPLING)
    density = len(found) / (image.size * SAMPLING**2)
    bonds, rings = nls.atoms.find_bonds(found), nls.atoms.find_rings(found)
    bond = float(np.median(bonds.length))
    counts = ", ".join(f"{n} of {size}" for size, n in rings.counts().items())
    return [
        "graphene with a grain boundary",
        (
            f"{len(found)} atoms, {density:.1f} a nm² ({density / DENSITY - 1:+.1%}), bond "
            f"{bond:.4f} nm ({bond / BOND - 1:+.1%}); rings: {counts}"
        ),
        f"{DENSITY} a nm² and {BOND} nm within 2 %",
    ], rings


def silicon(folder: Path) -> list[str]:
    """Find the one silicon atom in graphene."""
    image = np.load(folder / "atoms" / "graphene_stem_Si_2nm.npy")
    found = nls.atoms.find_atoms(image, pixel_size=SAMPLING, spacing=BOND / SAMPLING)
    k = int(np.nanargmax(found.intensity))
    times = found.intensity[k] / np.nanmedian(found.intensity)
    return [
        "graphene with one silicon atom",
        (
            f"{len(found)} atoms; the brightest at x {found.x[k]:.0f}, y {found.y[k]:.0f}, "
            f"{times:.1f} times the median"
        ),
        "x 96, y 138",
    ]


def vacant_layer(folder: Path) -> tuple[np.ndarray, Atoms, Defects]:
    """Find the columns of a layer of MoS2, tell them apart, and find vacancies."""
    image = np.load(folder / "images" / "MoS2_stem_Exp-001-5.npy")
    found = nls.atoms.find_atoms(image, pixel_size=MOS2_SAMPLING)
    found = nls.atoms.classify(image, found, names=["S2", "Mo"])
    return image, found, nls.atoms.find_defects(image, found)


def sites(image: np.ndarray, atoms: Atoms, defects: Defects) -> list[str]:
    """Say what was found of MoS2."""
    bond = float(np.nanmedian(atoms.neighbor)) * MOS2_SAMPLING
    labels, kinds = Counter(atoms.label.tolist()), Counter(defects.kind.tolist())
    cells = image.size * MOS2_SAMPLING**2 / (0.316**2 * 3**0.5 / 2)
    return [
        "MoS2 with vacancies",
        (
            f"{labels['Mo']} Mo, {labels['S2']} S2, nearest neighbor {bond:.3f} nm; "
            f"{kinds['missing']} sites missing, {kinds['dimmer']} dimmer"
        ),
        f"{cells:.0f} of each in a perfect layer; Mo to S {MO_TO_S} nm",
    ]


def draw_layer(image: np.ndarray, atoms: Atoms, defects: Defects) -> None:
    """Draw the sites of MoS2 on its image."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 9), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image, cmap="gray", vmax=np.quantile(image, 0.998))
    for label, color in (("Mo", "#56B4E9"), ("S2", "#F0E442")):
        each = atoms[atoms.label == label]
        axes.scatter(each.x, each.y, s=7, color=color, label=label)
    missing = defects[defects.kind == "missing"]
    axes.scatter(
        *(missing.x, missing.y), s=110, facecolors="none", edgecolors="#FF3B30", label="missing"
    )
    axes.set(xlim=(-0.5, 400), ylim=(511.5, 111.5))
    axes.set_axis_off()
    axes.legend(loc="upper right")
    figure.savefig(PICTURE, dpi=90)
