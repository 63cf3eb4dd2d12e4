"""The film of known atoms, and the dock beside it."""

from __future__ import annotations

import pytest
from atoms_bench import AtomsBench, draw_film


@pytest.fixture(scope="session")
def film():
    return draw_film()


@pytest.fixture
def bench(make_shown_viewer, qtbot, film):
    """The dock in a shown window, beside the film."""
    viewer = make_shown_viewer()
    viewer.add_image(film, name="film")
    viewer.dims.set_current_step(0, 0)
    return AtomsBench(viewer, qtbot)
