"""Figures of crystals show what was found."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from color_vision import VISIONS, least_difference
from matplotlib.figure import Figure

from napari_lattice_symmetry.crystals import Crystal, project, prototype
from napari_lattice_symmetry.crystals.phases import NONE_COLOR, PHASE_COLORS
from napari_lattice_symmetry.crystals.plots import draw_fractions, plot_crystal


def test_the_space_group_is_drawn_over_tolerances():
    """Titanium is 8 pm off the center: at a finer tolerance it breaks the cube."""
    atoms = prototype("SrTiO3").atoms.copy()
    atoms.positions[1, 2] += 0.08
    bent = Crystal("bent", atoms)
    picture, groups = plot_crystal(bent, project(bent, (1, 0, 0))).axes
    steps, taken = groups.lines[0].get_ydata(), groups.lines[-1].get_xdata()[0]
    np.testing.assert_array_equal(groups.lines[0].get_xdata(), bent.symmetry.tolerance)
    names = [label.get_text() for label in groups.get_yticklabels()]
    assert names == ["P4mm\n99", "Pm-3m\n221"]
    np.testing.assert_array_equal(steps, bent.symmetry.number == 221)
    assert 0 < (bent.symmetry.tolerance < 0.008).sum() <= (steps == 0).sum()
    assert bent.symmetry.number[bent.symmetry.tolerance == taken] == bent.space_group[0]
    assert "bent [1 0 0]: a = 0.3905" in picture.get_title()


@pytest.mark.parametrize("vision", VISIONS)
def test_phases_are_told_apart_also_beyond_the_seventh(vision):
    colors = (*PHASE_COLORS, NONE_COLOR)
    assert len(set(colors)) == 13
    for first, second in combinations(colors, 2):
        assert least_difference(first, second, vision) > 5, (first, second)


@pytest.mark.parametrize("n_frames", [1, 3])
def test_no_color_alone_tells_phases_apart(n_frames):
    names = [f"phase {k}" for k in range(7)]
    phases = [
        SimpleNamespace(name=name, color=color)
        for name, color in zip(names, PHASE_COLORS, strict=False)
    ]
    match = SimpleNamespace(phases=phases, fractions=np.full((n_frames, 7), 1 / 7))
    axes = Figure().add_subplot()
    draw_fractions(axes, match, np.arange(float(n_frames)), "Frame")
    lines = {(line.get_marker(), line.get_linestyle()) for line in axes.lines}
    hatches = {bar.get_hatch() for bar in axes.patches}
    assert len(lines if n_frames > 1 else hatches) == 7
