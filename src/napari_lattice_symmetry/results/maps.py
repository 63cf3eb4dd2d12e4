"""The one table of maps: what an analysis can find of every frame, how it is kept and shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.lattice import CLASSES, COLORS, LABELS
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS, family_of
from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.spectrum.lattice_fit import Flag

AGREE, DISAGREE = 1, 2
"""Values in an agreement map; 0 where network or fit has no answer."""

LARGER, SMALLER = 1, 2
"""Values in a superlattice map; 0 where there is none."""

_MAX_ENTROPY = float(np.log(len(CLASSES)))

_CLASS_VALUES = {LABELS[name]: (name, color) for name, color in COLORS.items()}

# The first of these that a window has gives its color.
_FLAGS = {
    Flag.TWO_LATTICES: ("two lattices", "#D55E00"),
    Flag.FEW_PERIODS: ("too few periods", "#F0E442"),
    Flag.COARSE_SAMPLING: ("under 3 px a period", "#CC79A7"),
    Flag.MANY_PERIODS: ("too many periods", "#56B4E9"),
    Flag.NO_COMMON_LATTICE: ("no common lattice", "#0072B2"),
    Flag.ONE_DIRECTION: ("fringes only", "#009E73"),
    Flag.NO_SPOTS: ("no spots", "#000000"),
    Flag.MISSING_PIXELS: ("missing pixels", "#E69F00"),
}


_SHADES = (1.0, 0.6, -0.45, 0.35, -0.75)
"""How much of the color of a class is left, the rest being black, or white where negative."""


def _group_values() -> dict[int, tuple[str, str]]:
    """Name the plane groups, each in a shade of the color of the lattice that it needs."""
    values = {}
    for family in CLASSES:
        groups = [name for name in PLANE_GROUPS if family_of(name) == family]
        for name, share in zip(groups, _SHADES, strict=False):
            values[PLANE_GROUPS.index(name) + 1] = (name, _shade(COLORS[family], share))
    return dict(sorted(values.items()))


def _shade(color: str, share: float) -> str:
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    mixed = (share * part if share > 0 else 255 + (1 + share) * (part - 255) for part in parts)
    return "#" + "".join(f"{round(part):02X}" for part in mixed)


def _describe_flags(value: int) -> tuple[str, str]:
    """Name the flags in a sum of them, and give the color of the first."""
    found = [meaning for flag, meaning in _FLAGS.items() if value & flag]
    return ", ".join(name for name, _ in found), found[0][1]


def _corrected(parameters: AnalysisParameters) -> bool:
    return parameters.distortion is not None


def _fitted(parameters: AnalysisParameters) -> bool:
    return parameters.lattice_maps


def _judged(parameters: AnalysisParameters) -> bool:
    return parameters.is_verdict


def _judged_or_fitted(parameters: AnalysisParameters) -> bool:
    return parameters.is_verdict or parameters.lattice_maps


def _grouped(parameters: AnalysisParameters) -> bool:
    return parameters.plane_groups


def specs_of(parameters: AnalysisParameters) -> list[MapSpec]:
    """List the maps that an analysis with these parameters makes."""
    return [spec for spec in MAPS.values() if spec.present(parameters)]


_CLASSES: dict[str, Any] = {"dtype": np.uint8, "kind": "class", "values": _CLASS_VALUES}
_OF_CLASSES: dict[str, Any] = {"axes": ("class", "time", "y", "x")}
_STRAIN_ERRORS: dict[str, Any] = {"unit": "%", "colors": "magma", "present": _fitted}
_FRACTIONS: dict[str, Any] = {"axes": ("time", "class"), "dtype": np.float64}

MAPS: dict[str, MapSpec] = {
    spec.name: spec
    for spec in (
        MapSpec(
            name="labels",
            about="Most probable class, 1 to 6 in the order of `CLASSES`; 0 where not analyzed. "
            "The setting `answer` says whose: of the verdict, or of the network alone.",
            title="classes",
            short="classes",
            opens=True,
            reported=True,
            **_CLASSES,
        ),
        MapSpec(
            name="apparent_labels",
            about="Most probable class of what the image shows, where a distortion is undone; "
            "all other maps are of the crystal.",
            title="apparent classes",
            short="apparent classes",
            present=_corrected,
            **_CLASSES,
        ),
        MapSpec(
            name="mean",
            about="Probability of each class: its mean over the judges of the verdict, or over the "
            "thinned networks where the answer is the network's.",
            title="{part}",
            short="P({part})",
            kind="probability",
            limits=(0.0, 1.0),
            opens=True,
            **_OF_CLASSES,
        ),
        MapSpec(
            name="std",
            about="Standard deviation of the probability over judges, or over thinned networks.",
            title="{part} (spread)",
            short="spread of P({part})",
            kind="probability",
            limits=(0.0, 0.5),
            **_OF_CLASSES,
        ),
        MapSpec(
            name="entropy",
            about="Predictive entropy.",
            title="predictive entropy",
            short="uncertainty",
            unit="nats",
            colors="inferno",
            limits=(0.0, _MAX_ENTROPY),
            reported=True,
        ),
        MapSpec(
            name="mutual_information",
            about="Mutual information of class and judge, or of class and thinned network: how "
            "much they differ.",
            title="mutual information",
            short="mutual information",
            unit="nats",
            colors="inferno",
            limits=(0.0, _MAX_ENTROPY),
        ),
        MapSpec(
            name="network_labels",
            about="Most probable class of the network alone, where the answer is the verdict.",
            title="classes of the network alone",
            short="network's classes",
            present=_judged,
            **_CLASSES,
        ),
        MapSpec(
            name="network_mean",
            about="Probability of each class by the network alone, where the answer is the "
            "verdict.",
            title="{part} (network alone)",
            short="network's P({part})",
            kind="probability",
            limits=(0.0, 1.0),
            present=_judged,
            **_OF_CLASSES,
        ),
        MapSpec(
            name="a",
            about="Shorter side of the fitted cell; NaN where no lattice is resolved.",
            title="a",
            short="a ({unit})",
            unit="length",
            present=_fitted,
        ),
        MapSpec(
            name="b",
            about="Longer side of the fitted cell; NaN where no lattice is resolved.",
            title="b",
            short="b ({unit})",
            unit="length",
            present=_fitted,
        ),
        MapSpec(
            name="gamma",
            about="Angle between a and b; NaN where no lattice is resolved.",
            title="gamma",
            short="gamma ({unit})",
            unit="°",
            limits=(60.0, 90.0),
            present=_fitted,
        ),
        MapSpec(
            name="orientation",
            about="Direction of a from x towards y, up to the turn that brings the lattice back "
            "onto itself; NaN where no lattice is resolved.",
            title="orientation",
            short="orientation ({unit})",
            kind="turn",
            unit="°",
            colors="hsv",  # which ends with the color that it begins with
            present=_fitted,
        ),
        MapSpec(
            name="metric_labels",
            about="Class of the fitted lattice within the tolerance; 0 where none is resolved.",
            title="metric classes",
            short="metric classes",
            nothing="not resolved",
            present=_judged_or_fitted,
            **_CLASSES,
        ),
        MapSpec(
            name="flags",
            about="`Flag` values of the fit, added; SUPERLATTICE has a map of its own.",
            title="flags",
            short="flags",
            dtype=np.uint8,
            kind="flag",
            values={value: _describe_flags(value) for value in range(1, sum(_FLAGS) + 1)},
            nothing="none",
            present=_judged_or_fitted,
        ),
        MapSpec(
            name="superlattice",
            about="Another cell that spots speak for: 1 a larger one than the fitted cell, by weak "
            "spots, 2 a smaller one, by the strong spots alone; 0 where there is none.",
            title="superlattices",
            short="superlattices",
            dtype=np.uint8,
            kind="flag",
            values={
                LARGER: ("weak spots of a larger cell", "#D55E00"),
                SMALLER: ("strong spots of a smaller cell", "#56B4E9"),
            },
            nothing="none",
            present=_judged_or_fitted,
        ),
        MapSpec(
            name="agreement",
            about="Whether network and fit name the same class, noise and no lattice being the "
            "same: 1 yes, 2 no, 0 where either has no answer.",
            title="agreement",
            short="agreement",
            dtype=np.uint8,
            kind="flag",
            values={AGREE: ("agree", "#009E73"), DISAGREE: ("disagree", "#D55E00")},
            nothing="one has no answer",
            reported=True,
            present=_judged_or_fitted,
        ),
        MapSpec(
            name="a_direction",
            about="Direction of the shorter side from x towards y, 0 to 180.",
            title="direction of a",
            short="direction of a ({unit})",
            kind="turn",
            unit="°",
            colors="hsv",
            limits=(0.0, 180.0),
            present=_fitted,
        ),
        MapSpec(
            name="b_direction",
            about="Direction of the longer side from x towards y, 0 to 180.",
            title="direction of b",
            short="direction of b ({unit})",
            kind="turn",
            unit="°",
            colors="hsv",
            limits=(0.0, 180.0),
            present=_fitted,
        ),
        MapSpec(
            name="strain_error_x",
            about="Standard error of a strain along x, whatever it is measured against.",
            title="error of strain along x",
            short="error of strain along x ({unit})",
            **_STRAIN_ERRORS,
        ),
        MapSpec(
            name="strain_error_y",
            about="Standard error of a strain along y, whatever it is measured against.",
            title="error of strain along y",
            short="error of strain along y ({unit})",
            **_STRAIN_ERRORS,
        ),
        MapSpec(
            name="strain_error_diagonal",
            about="Standard error of a strain along the diagonal between x and y.",
            title="error of strain along the diagonal",
            short="error of strain along the diagonal ({unit})",
            **_STRAIN_ERRORS,
        ),
        MapSpec(
            name="plane_group",
            about="Plane group, 1 to 17 in the order of `PLANE_GROUPS`; 0 where none is resolved.",
            title="plane groups",
            short="plane groups",
            dtype=np.uint8,
            kind="flag",
            values=_group_values(),
            nothing="not resolved",
            present=_grouped,
        ),
        MapSpec(
            name="group_probability",
            about="Probability of the plane group among those that the lattice allows, where noise "
            "explains what breaks it; NaN where it is named within the tolerance, or none is.",
            title="probability of the plane group within noise",
            short="P(plane group) within noise",
            colors="viridis",
            limits=(0.0, 1.0),
            present=_grouped,
        ),
        MapSpec(
            name="group_departure",
            about="Share R of the Bragg amplitude that breaks the plane group.",
            title="departure from the plane group",
            short="R ({unit})",
            unit="%",
            colors="magma",
            limits=(0.0, 40.0),
            present=_grouped,
        ),
        MapSpec(
            name="fractions",
            about="Phase fractions: the mean probability over the analyzed windows.",
            title="phase fractions",
            short="phase fractions",
            **_FRACTIONS,
        ),
        MapSpec(
            name="fractions_std",
            about="Network spread of the phase fractions: their deviation over thinned networks, "
            "or over the judges of the verdict.",
            title="spread of the phase fractions",
            short="spread of the phase fractions",
            **_FRACTIONS,
        ),
        MapSpec(
            name="checksum",
            about="Checksum of the frame as it was read; 0 where it could not be.",
            title="checksum",
            short="checksum",
            axes=("time",),
            dtype=np.uint64,
        ),
    )
}
"""By name; the layers of a result lie in this order, the first on top."""
