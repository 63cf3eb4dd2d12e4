import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.spectrum import WindowGrid


def test_a_window_that_ends_exactly_at_the_edge_is_included():
    assert WindowGrid((512, 512), 128, 16).shape == (25, 25)
    assert WindowGrid((130, 129), 128, 1).shape == (3, 2)
    assert WindowGrid((128, 143), 128, 16).shape == (1, 1)


def test_windows_are_views_of_the_frame():
    frame = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)
    grid = WindowGrid(frame.shape, 16, 5)
    windows = grid.windows(frame)
    assert windows.shape == (*grid.shape, 16, 16)
    assert np.shares_memory(windows, frame)
    rows, columns = grid.window_at(2, 3)
    np.testing.assert_array_equal(windows[2, 3], frame[rows, columns])


def test_map_pixels_lie_at_the_centers_of_their_windows():
    grid = WindowGrid((300, 400), 64, 8)
    pixel_size, origin = (0.2, 0.3), (10.0, -5.0)
    scale = grid.scale(pixel_size)
    translate = grid.translate(pixel_size, origin)
    rows, columns = grid.window_at(4, 7)
    center = (
        origin[0] + pixel_size[0] * (rows.start + rows.stop - 1) / 2,
        origin[1] + pixel_size[1] * (columns.start + columns.stop - 1) / 2,
    )
    assert np.add(translate, np.multiply(scale, (4, 7))) == pytest.approx(center)


@pytest.mark.parametrize(
    ("window", "stride", "sentence"),
    [(129, 16, "129 px does not fit"), (64, 0, "stride of 0"), (0, 4, "window of 0")],
)
def test_impossible_grids_are_refused_with_the_value_in_the_sentence(window, stride, sentence):
    with pytest.raises(InputError, match=sentence):
        WindowGrid((128, 200), window, stride)
