"""Figures of crystals show what was found."""

from __future__ import annotations

import numpy as np

from napari_lattice_symmetry.crystals import Crystal, project, prototype
from napari_lattice_symmetry.crystals.plots import plot_crystal


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
