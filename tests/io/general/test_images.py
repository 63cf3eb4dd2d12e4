from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "A.PNG"])
def test_gray_images_are_kept_as_they_are(tmp_path, frames, name):
    Image.fromarray(frames[0]).save(tmp_path / name, dpi=(300, 300))
    movie = read_movie(tmp_path / name)
    np.testing.assert_array_equal(movie.frames, frames[:1])
    assert movie.frames.dtype == np.uint8
    assert not movie.calibrated


def test_jpeg(tmp_path, frames):
    Image.fromarray(np.full((24, 32), 77, np.uint8)).save(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_movie(tmp_path / "a.jpg").frames, 77)


def test_jpeg_for_print(tmp_path, frames):
    smooth = Image.fromarray(frames[0]).resize((8, 6)).resize((32, 24))
    smooth.convert("RGB").convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(read_movie(tmp_path / "a.jpg").frames[0], smooth, atol=3)


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_black_and_white(tmp_path, frames, name):
    Image.fromarray(frames[0] > 99).save(tmp_path / name)
    np.testing.assert_array_equal(read_movie(tmp_path / name).frames[0], frames[0] > 99)


def test_16_bit_png(tmp_path, frames):
    deep = frames[0].astype(np.uint16) * 257
    iio.imwrite(tmp_path / "a.png", deep)
    np.testing.assert_array_equal(read_movie(tmp_path / "a.png").frames[0], deep)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_colors_become_gray(tmp_path, frames, mode):
    image = Image.fromarray(frames[0]).convert(mode)
    if mode != "RGB":
        image.putalpha(10)
    image.save(tmp_path / "a.png")
    np.testing.assert_allclose(read_movie(tmp_path / "a.png").frames[0], frames[0], rtol=1e-6)


def test_a_palette_is_applied(tmp_path):
    image = Image.new("P", (32, 24), 1)
    image.putpalette([0, 0, 0, 100, 0, 0])
    image.save(tmp_path / "a.png")
    np.testing.assert_allclose(read_movie(tmp_path / "a.png").frames, 21.26, rtol=1e-6)


def test_not_an_image(tmp_path):
    (tmp_path / "a.png").write_text("not an image")
    with pytest.raises(InputError, match=r"^a\.png is not a PNG, JPEG or BMP image\.$"):
        read_movie(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_truncated_images(tmp_path, frames, name):
    whole, cut = tmp_path / f"whole{name[1:]}", tmp_path / name
    Image.fromarray(frames[0]).save(whole)
    for share in (0.05, 0.5, 0.8):
        cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        with pytest.raises(InputError, match=rf"^{name} is not a"):
            read_movie(cut)


def write_folder(folder, frames, suffix=".png"):
    """Write frame_1, frame_2, ..., frame_10 and so on."""
    folder.mkdir()
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(folder / f"frame_{number}{suffix}")
    return folder


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_folder_in_natural_order(tmp_path, frames, suffix):
    many = np.concatenate([frames, 255 - frames, frames[::-1]])
    folder = write_folder(tmp_path / "run", many, suffix)
    (folder / "notes.txt").write_text("not a frame")
    (folder / "._frame_1.png").write_text("a shadow file of macOS")
    movie = read_movie(folder)
    np.testing.assert_array_equal(movie.frames, many)
    assert (movie.name, movie.frames.dtype) == ("run", np.uint8)


def test_folder_takes_the_calibration_of_its_first_image(tmp_path, frames):
    for number in (1, 2):
        tifffile.imwrite(
            tmp_path / f"{number}.tif",
            frames[0],
            imagej=True,
            resolution=(50 * number, 50),
            metadata={"unit": "nm"},
        )
    assert read_movie(tmp_path).pixel_size == pytest.approx((0.02, 0.02))


def test_folder_of_gray_and_color(tmp_path, frames):
    folder = write_folder(tmp_path / "run", frames)
    Image.fromarray(frames[1]).convert("RGB").save(folder / "frame_2.png")
    movie = read_movie(folder)
    np.testing.assert_allclose(movie.frames, frames, rtol=1e-6)
    assert movie.frames.dtype == np.float32


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_lazy_folder(tmp_path, frames, little_memory, suffix):
    movie = read_movie(write_folder(tmp_path / "run", frames, suffix))
    assert movie.frames.chunks == ((1,) * 5, (24,), (32,))
    np.testing.assert_array_equal(movie.frames.compute(), frames)


def test_folder_names_the_odd_one(tmp_path, frames):
    folder = write_folder(tmp_path / "run", frames)
    Image.fromarray(frames[0, :20, :30]).save(folder / "frame_1.png")
    with pytest.raises(InputError, match=r"^run .* frame_1\.png has 20 x 30 px, .* 24 x 32 px"):
        read_movie(folder)


def test_folder_with_a_damaged_image_names_it(tmp_path, frames):
    folder = write_folder(tmp_path / "run", frames)
    (folder / "frame_3.png").write_text("not an image")
    with pytest.raises(InputError, match=r"^frame_3\.png is not"):
        read_movie(folder)


def test_folder_with_a_stack_names_it(tmp_path, frames):
    folder = write_folder(tmp_path / "run", frames)
    tifffile.imwrite(folder / "frame_6.tif", frames)
    with pytest.raises(InputError, match=r"^frame_6\.tif holds 5 frames"):
        read_movie(folder)


def test_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(InputError, match="is a folder without images"):
        read_movie(tmp_path)
