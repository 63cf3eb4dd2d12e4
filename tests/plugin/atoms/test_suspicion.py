"""Which atoms are looked at first."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.plugin.atoms.suspicion import list_suspects

Y, X = (each.ravel().astype(float) for each in np.mgrid[0:8, 0:8] * 10)


def test_the_least_sure_come_first_and_the_unknown_before_them():
    atoms = Atoms.at([0, 0, 0], [0, 10, 20], confidence=[0.9, 0.2, np.nan])
    suspects = list_suspects(atoms, "lowest confidence")
    assert [each.rows for each in suspects] == [(2,), (1,), (0,)]
    assert [each.text for each in suspects][:2] == ["confidence not known", "confidence 0.20"]


def test_pairs_are_listed_once_and_in_their_frame():
    y, x = np.concatenate([Y, [0.0, 3.0]]), np.concatenate([X, [100.0, 104.0]])
    frame = np.array([0] * len(Y) + [1, 1])
    first, second, *_ = list_suspects(Atoms.at(y, x, frame=frame), "shortest pair")
    assert (first.frame, first.rows, first.text) == (1, (64, 65), "5 px apart")
    assert (first.y, first.x) == (1.5, 102)
    assert second.text == "10 px apart"


def test_the_largest_gap_is_where_an_atom_is_missing_and_is_listed_once():
    gone = (Y == 30) & (X == 40)
    suspects = list_suspects(Atoms.at(Y[~gone], X[~gone]), "largest gap")
    assert (suspects[0].y, suspects[0].x) == pytest.approx((30, 40))
    assert suspects[0].text == "no atom within 10 px"
    assert suspects[1].text == "no atom within 7.07 px"
    assert len(suspects) < 60


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_atoms_or_atoms_in_a_line_have_no_gaps(n):
    atoms = Atoms.at(np.zeros(n), np.arange(n) * 10.0)
    assert list_suspects(atoms, "largest gap") == []
    assert len(list_suspects(atoms, "shortest pair")) == max(n - 1, 0)
