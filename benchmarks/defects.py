"""Defects found in three ways, on structures that no training has seen; what makes maps good.

    python benchmarks/defects.py --write --train

prints the tables; with ``--write`` they also go to ``docs/defects-measured.md``, and with
``--train`` the small networks of the comparison are trained, some 20 minutes; without it their
table is kept as it is on the page. No picture here was trained on, and none chose a setting.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from metrics import inside, markdown_table, pair_off_border
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, Atoms, Defects
from napari_lattice_symmetry.atoms.defect_maps.examples import (
    CLASSES,
    CROP,
    HELD_OUT,
    TRAINED,
    Crops,
    draw_crops,
    named_defects,
)
from napari_lattice_symmetry.atoms.defect_search import METHODS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURE = DOCS / "defects-measured.md", DOCS / "images" / "defects-three-ways.png"
COMPARISON = "## What makes maps good"
NOT_TRAINED = f"""{COMPARISON}

A dense head against a global average, average against maximum, with and without augmentation are
compared by `python benchmarks/defects.py --train`, which was not yet run at its full size. In a
trial with 1,200 crops and 14 epochs of 8 filters none of the four learned: they named 18 to 47 % of
crops rightly and pointed at 14 to 28 % of the defects, in no order, which tells nothing of them."""
SEED = 2027
COUNTS = (100, 30, 10)
SPACING, SIZE, PICTURES = 14, 224, 3
RADIUS, EDGE = 1.0, 1.0  # spacings
KINDS = ("missing", "dimmer", "brighter", "extra")
WRONG = {"vacancies": 0.01, "lighter": 0.006, "heavier": 0.008, "adatoms": 0.006}
NAMES = {
    "lattice": "atoms against their lattice",
    "activation": "class activation",
    "bragg": "Bragg residual",
}
POINTED = 1.0  # spacings
STUDY = ("MoS2", "WS2")  # what the small networks learn from
STUDY_CROPS, STUDY_EPOCHS, STUDY_FILTERS, STUDY_TEST = 7_200, 24, 16, 600


@dataclass
class Tally:
    """What was told, and what is true."""

    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    true: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    named: int = 0
    false: int = 0
    sites: int = 0
    squares: list[float] = field(default_factory=list)

    def recall(self, *kinds: str) -> str:
        """Give the share that was found, of kinds or of all."""
        chosen = kinds or KINDS
        true = sum(self.true[each] for each in chosen)
        return f"{sum(self.found[each] for each in chosen) / true:.1%}" if true else ""

    def add(self, told: Defects, picture: Any) -> None:
        """Pair what was told with what is true, one to one."""
        true = named_defects(picture)
        radius, edge = RADIUS * picture.spacing, EDGE * picture.spacing
        size = len(picture.image)
        places, own = (np.stack([each.y, each.x], axis=1) for each in (true, told))
        counted = inside(places, size, edge) & np.isin(true.kind, KINDS)
        rows, columns, false = pair_off_border(own, places, radius, size, edge)
        for i, j in zip(rows, columns, strict=True):
            if counted[j]:
                self.found[str(true.kind[j])] += 1
                self.named += bool(told.kind[i] == true.kind[j])
                self.squares.append(float(np.square(own[i] - places[j]).sum()) / picture.spacing**2)
        for kind in KINDS:
            self.true[kind] += int((counted & (true.kind == kind)).sum())
        self.false += false
        self.sites += int(inside(picture.atoms.positions, size, edge).sum()) + int(
            (counted & (true.kind == "missing")).sum()
        )


def draw(material: str, counts: float, seed: int, **settings: Any) -> tuple[Any, Atoms]:
    """Draw a picture, and find its atoms."""
    rng = np.random.default_rng((SEED, seed))
    picture = AtomImage(
        material=material,
        spacing=SPACING,
        size=SIZE,
        counts=counts,
        orientation=rng.uniform(0, 360),
        displacement=0.03,
        jitter=0.02,
        wander=0.05,
        seed=seed,
        **settings,
    ).draw()
    return picture, nls.atoms.find_atoms(picture.image, spacing=SPACING)


def tallies() -> tuple[dict[tuple[str, int, str], Tally], dict[tuple[str, int], Tally]]:
    """Count, by structure, dose and method, and of perfect crystals by dose and method."""
    wrong: dict[tuple[str, int, str], Tally] = {}
    perfect: dict[tuple[str, int], Tally] = {}
    orders = [(m, c, k) for m in HELD_OUT for c in COUNTS for k in range(PICTURES)]
    for seed, (material, counts, _) in enumerate(tqdm(orders, desc="pictures", leave=False)):
        for settings in (WRONG, {}):
            picture, atoms = draw(material, counts, 1000 + seed, **settings)
            for method in METHODS:
                told = nls.atoms.find_defects(picture.image, atoms, method=method)
                if settings:
                    wrong.setdefault((material, counts, method), Tally()).add(told, picture)
                else:
                    perfect.setdefault((method, counts), Tally()).add(told, picture)
    return wrong, perfect


def joined(parts: list[Tally]) -> Tally:
    """Add tallies."""
    total = Tally()
    for part in parts:
        for kind in KINDS:
            total.found[kind] += part.found[kind]
            total.true[kind] += part.true[kind]
        total.named += part.named
        total.false += part.false
        total.sites += part.sites
        total.squares += part.squares
    return total


def dose_table(wrong: dict[Any, Tally], perfect: dict[Any, Tally]) -> str:
    """Lay out recall and false alarms by dose and method."""
    rows = []
    for counts in COUNTS:
        for method in METHODS:
            total = joined([wrong[material, counts, method] for material in HELD_OUT])
            found = sum(total.found.values())
            none = perfect[method, counts]
            rows.append(
                [str(counts), NAMES[method]]
                + [total.recall(kind) for kind in KINDS]
                + [f"**{total.recall()}**", f"{total.named / max(found, 1):.0%}"]
                + [f"{1000 * total.false / total.sites:.1f}"]
                + [f"{1000 * none.false / none.sites:.1f}"]
                + [f"{np.sqrt(np.mean(total.squares)):.2f}" if total.squares else ""]
            )
    header = ["counts", "by", *KINDS, "all", "rightly named", "false, of 1,000 sites"]
    return markdown_table([*header, "and of perfect crystals", "off, in spacings"], rows)


def structure_table(wrong: dict[Any, Tally]) -> str:
    """Lay out recall and false alarms by structure, all doses together."""
    rows = []
    for material in HELD_OUT:
        row = [material]
        for method in METHODS:
            total = joined([wrong[material, counts, method] for counts in COUNTS])
            row += [total.recall(), f"{1000 * total.false / total.sites:.1f}"]
        rows.append(row)
    header = ["structure"]
    for method in METHODS:
        header += [NAMES[method], "false, of 1,000"]
    return markdown_table(header, rows)


def ring_table() -> str:
    """Lay out how often a turned bond of graphene is told, by anything within 1.5 spacings."""
    rows = []
    for counts in COUNTS:
        hits = dict.fromkeys(METHODS, 0)
        named = 0
        for seed in range(2 * PICTURES):
            picture, atoms = draw("graphene", counts, 500 + seed, rotated_bond=True)
            true = picture.defects
            middle = np.array([true.y.mean(), true.x.mean()])
            for method in METHODS:
                told = nls.atoms.find_defects(picture.image, atoms, method=method)
                off = np.hypot(told.y - middle[0], told.x - middle[1])
                near = off < 1.5 * SPACING
                hits[method] += bool(near.any())
                named += bool((told.kind[near] == "rotated bond").any())
        n = 2 * PICTURES
        rows.append([str(counts), *(f"{hits[each]} of {n}" for each in METHODS), f"{named} of {n}"])
    return markdown_table(
        ["counts", *(NAMES[each] for each in METHODS), "named, by activation"], rows
    )


def study_crops(n: int, stream: int, materials: tuple[str, ...], augmented: bool) -> Crops:
    """Draw crops with labels, and places that judge them."""
    rng = np.random.default_rng((SEED, 9, stream))
    parts: list[Crops] = []
    while sum(len(each.labels) for each in parts) < n:
        kind = str(rng.choice(KINDS, p=(0.3, 0.3, 0.1, 0.3)))
        parts.append(draw_crops(rng, str(rng.choice(materials)), kind, augmented))
    return Crops(
        np.concatenate([each.seen for each in parts])[:n],
        np.concatenate([each.labels for each in parts])[:n],
        [place for each in parts for place in each.places][:n],
    )


def study() -> str:
    """Train small networks that differ in one thing each, and judge them."""
    from napari_lattice_symmetry.atoms.defect_maps.network import defect_network
    from napari_lattice_symmetry.networks.keras_loading import keras

    training = {
        augmented: study_crops(STUDY_CROPS, int(augmented), STUDY, augmented)
        for augmented in tqdm((True, False), desc="crops", leave=False)
    }
    tests = {
        "of the same materials": study_crops(STUDY_TEST, 2, STUDY, True),
        "graphene": study_crops(STUDY_TEST, 3, ("graphene",), True),
        "Mo(1-x)W(x)Se2": study_crops(STUDY_TEST, 4, ("MoSe2",), True),
    }
    rows = []
    variants: list[tuple[str, Any, bool]] = [
        ("global average, augmented", "average", True),
        ("dense head", "dense", True),
        ("global maximum", "maximum", True),
        ("without augmentation", "average", False),
    ]
    for title, head, augmented in tqdm(variants, desc="networks", leave=False):
        keras.utils.set_random_seed(SEED)
        network = defect_network(STUDY_FILTERS, head)
        crops = training[augmented]
        batch = 32
        steps = STUDY_EPOCHS * -(-len(crops.labels) // batch)
        network.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        network.fit(
            *(crops.seen.astype(np.float32), crops.labels),
            batch_size=batch,
            epochs=STUDY_EPOCHS,
            verbose=0,
        )
        row = [title]
        for test in tests.values():
            right, pointed = judged(network, head, test)
            row += [f"{right:.1%}", f"{pointed:.1%}"]
        rows.append(row)
    header = ["network"]
    for name in tests:
        header += [name, "pointed"]
    return markdown_table(header, rows)


def judged(network: Any, head: str, test: Crops) -> tuple[float, float]:
    """Give the share of crops rightly named, and of those with a defect rightly pointed at."""
    from napari_lattice_symmetry.atoms.defect_maps.mapper import FACTOR, sharpened
    from napari_lattice_symmetry.atoms.finding.scaling import SPACING as SEEN
    from napari_lattice_symmetry.networks.activation_maps import class_activation, grad_cam
    from napari_lattice_symmetry.networks.keras_loading import keras

    seen = test.seen.astype(np.float32)
    told = network.predict(seen, verbose=0).argmax(axis=1)
    wrong = np.flatnonzero(test.labels > 0)
    convolutions = [each for each in network.layers if isinstance(each, keras.layers.Conv2D)]
    trunk = keras.Model(network.inputs, convolutions[-1].output)
    dense = [each.get_weights() for each in network.layers if isinstance(each, keras.layers.Dense)]
    hits = []
    for i, maps in zip(wrong, trunk.predict(seen[wrong], verbose=0), strict=True):
        label = int(test.labels[i])
        if head == "dense":
            shown = grad_cam(maps, *dense, label).astype(np.float64)
        else:
            both = class_activation(maps, dense[-1][0])
            shown = (both[..., label] - both[..., 0]).astype(np.float64)
        shown = sharpened(shown[..., np.newaxis])
        top = np.array(np.unravel_index(shown.argmax(), shown.shape))
        place = FACTOR * top + (FACTOR - 1) / 2
        off = np.linalg.norm(test.places[i] - place, axis=1).min()
        hits.append(off < SEEN * POINTED)
    return float((told == test.labels).mean()), float(np.mean(hits))


def plot() -> Figure:
    """Draw what each way sees of one picture, and what it tells."""
    from matplotlib.figure import Figure

    from napari_lattice_symmetry.atoms.defect_maps.bragg import noise_score
    from napari_lattice_symmetry.atoms.defect_maps.mapper import load_mapper, sharpened
    from napari_lattice_symmetry.atoms.defects import lattice_of
    from napari_lattice_symmetry.atoms.finding.scaling import Resampling

    picture, atoms = draw("MoSe2", 30, 7, **WRONG)
    image = picture.image
    basis = lattice_of(nls.Movie.from_array(image), atoms, 0).basis
    resampling = Resampling.to_spacing(image.shape, SPACING)
    score = noise_score(resampling.resample(image), basis / resampling.factors)
    evidence = sharpened(load_mapper().in_frame(image, SPACING)[0])
    extent = (-0.5, SIZE - 0.5, SIZE - 0.5, -0.5)
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    shown = ((image, "gray", None), (evidence, "magma", None), (score, "RdBu_r", 10))
    for axes, method, (seen, colors, limit) in zip(
        figure.subplots(1, 3), METHODS, shown, strict=True
    ):
        drawn = axes.imshow(
            seen, cmap=colors, extent=extent, vmin=limit and -limit, vmax=limit, rasterized=True
        )
        told = nls.atoms.find_defects(image, atoms, method=method)
        true = named_defects(picture)
        axes.scatter(true.x, true.y, s=110, facecolors="none", edgecolors="#00C8FF", label="true")
        axes.scatter(told.x, told.y, s=40, marker="x", color="#FF7A00", label="told")
        axes.set(title=NAMES[method], xlim=extent[:2], ylim=extent[2:])
        axes.set_axis_off()
        figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.8).set_label(
            {"lattice": "counts", "activation": "logits, sharpened"}.get(method, "noise floors")
        )
    figure.axes[0].legend(loc="upper right", fontsize="small")
    return figure


def study_part(train: bool) -> str:
    """Give the part of the page on small networks, trained anew or as it is."""
    if not train:
        text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        return COMPARISON + text.partition(COMPARISON)[2] if COMPARISON in text else NOT_TRAINED
    return "\n\n".join(
        [
            COMPARISON,
            (
                f"Small networks ({STUDY_FILTERS} filters) that learned from the same "
                f"{STUDY_CROPS:,} crops of {' and '.join(STUDY)} ({CROP} px, six neighbors a side) "
                f"for {STUDY_EPOCHS} epochs, and differ in one thing each: share of {STUDY_TEST} "
                f"other crops whose label is right, of {len(CLASSES)}, and of those with a defect "
                f"in which the map of the true label is highest within {POINTED} of the spacing of "
                "one (*pointed*; a dense head has no class activation, and Grad-CAM stands for "
                "it). Test crops are of any orientation, dose, probe and drift; without "
                "augmentation a network learns from crops that are all recorded alike. Graphene "
                "and Mo(1-x)W(x)Se2, the heavier sites, are the two materials of the talk, and no "
                "network here has seen them."
            ),
            study().strip(),
        ]
    )


def page(train: bool) -> str:
    """Measure all, and give the page."""
    wrong, perfect = tallies()
    sites = sum(each.sites for each in wrong.values()) // len(METHODS)
    return (
        "\n\n".join(
            part.strip()
            for part in (
                "# Defects, measured",
                (
                    "Made by `python benchmarks/defects.py --write`; how each way works is "
                    "told in [atoms](atoms.md#defects). All three see the same pictures and the "
                    "same atoms, which the finder found."
                ),
                "## Three ways",
                (
                    f"Structures that no training of the maps has seen: {', '.join(HELD_OUT)} "
                    f"({len(TRAINED)} others were); {PICTURES} pictures each and dose, {SPACING} "
                    f"px between neighbors, {sites:,} sites in all. 1 % of columns are missing, "
                    "0.6 % are of a lighter element, 0.8 % of a heavier one, and there are 0.6 % "
                    "adatoms, on a column *brighter*, between them *extra*; with displacements, "
                    f"jitter and drift. Pairs are one to one within {RADIUS} of the spacing, "
                    "whatever the name; sites nearer than a spacing to the border are left out. "
                    "What is told and lies near no defect is false; the stated rate is one of "
                    "1,000 for residual and maps. Counts are those at the peak of the brightest "
                    "column."
                ),
                dose_table(wrong, perfect),
                "All doses together, by structure:",
                structure_table(wrong),
                (
                    "MoSe2 at 30 counts: blue circles are true, orange crosses are told. Of the "
                    "maps the sharpened evidence is drawn, of the residual its noise floors."
                ),
                f"![What each of the three ways sees](images/{PICTURE.name})",
                "## Rotated bonds",
                (
                    "A bond of graphene is turned, and the neighborhood relaxed; "
                    f"{2 * PICTURES} pictures a dose. It counts as told when anything is told "
                    "within 1.5 spacings of its middle."
                ),
                ring_table(),
                study_part(train),
            )
            if part
        )
        + "\n"
    )


def main() -> None:
    """Measure, print, and write if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--train", action="store_true", help="Train the small networks, too.")
    arguments = parser.parse_args()
    text = page(arguments.train)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
        plot().savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
