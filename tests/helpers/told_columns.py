"""A network that stands in: it knows the columns of a series that was simulated."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_lattice_symmetry.atoms.focal.namer import ColumnNamer, Marks
from napari_lattice_symmetry.atoms.focal.series import FocalPicture


class Told(ColumnNamer):
    """Marks the true columns."""

    images = 3

    def __init__(self, picture: FocalPicture) -> None:
        atoms = picture.atoms
        kind = np.array([["Mo", "2S", "S"].index(label) for label in atoms.label])
        maps = np.zeros((4, 64, 64), np.float32)
        maps[0] = 1
        marks = Marks(atoms.positions, np.eye(3)[kind], np.zeros((len(kind), 4)), maps)
        object.__setattr__(self, "marks", marks)

    def mark(self, *_: Any, **__: Any) -> Marks:
        return self.marks

    def confidence(self, marks: Marks) -> np.ndarray:
        return np.ones(len(marks.place))
