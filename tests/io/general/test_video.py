from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie

CODECS = {"a.mp4": "libx264", "a.mov": "libx264", "a.avi": "mpeg4"}


@pytest.fixture
def growth():
    """Six frames of 48 x 64 px: a bright bar grows from the left."""
    gray = np.zeros((6, 48, 64), np.uint8)
    for t in range(6):
        gray[t, :, : 10 * (t + 1)] = 200
    return gray


def test_gif(tmp_path, growth):
    iio.imwrite(tmp_path / "a.gif", growth, duration=250, loop=0)
    movie = read_movie(tmp_path / "a.gif")
    np.testing.assert_allclose(movie.frames, growth, atol=1)
    assert movie.frame_time == pytest.approx(0.25)
    assert movie.calibration_source == "frame time as it is played"


def test_gif_of_parts_and_transparent_pixels(tmp_path, growth):
    pages = [Image.fromarray(frame).convert("P") for frame in growth]
    options = {"append_images": pages[1:], "duration": 40, "transparency": 0, "disposal": 2}
    pages[0].save(tmp_path / "a.gif", save_all=True, **options)
    movie = read_movie(tmp_path / "a.gif")
    np.testing.assert_allclose(movie.frames, growth, atol=1)
    assert movie.frame_time == pytest.approx(0.04)


def write_video(path, codec, pixels, frames):
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = pixels
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.avi", "ffv1", "gray"),
        ("a.avi", "rawvideo", "gray"),
        ("a.avi", "mjpeg", "yuvj444p"),
        ("a.mov", "png", "gray"),
        ("a.mp4", "libx264", "yuv444p"),
    ],
)
def test_odd_sizes(tmp_path, growth, name, codec, pixels):
    pytest.importorskip("av", reason="install the extra 'video'")
    odd = np.ascontiguousarray(growth[:, :47, :61])
    write_video(tmp_path / name, codec, pixels, odd)
    movie = read_movie(tmp_path / name)
    np.testing.assert_allclose(movie.frames, odd, atol=25)
    assert movie.frame_time == pytest.approx(0.1)


def test_sound_alone_is_refused(tmp_path):
    av = pytest.importorskip("av", reason="install the extra 'video'")
    with av.open(tmp_path / "a.mov", "w") as container:
        stream = container.add_stream("aac", rate=44100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), "f4"), "fltp", "mono")
        silence.rate = 44100
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    with pytest.raises(InputError, match=r"^a\.mov is not a video, or holds no pictures"):
        read_movie(tmp_path / "a.mov")


@pytest.mark.slow
@pytest.mark.parametrize("name", CODECS)
def test_video(tmp_path, growth, name):
    pytest.importorskip("av", reason="install the extra 'video'")
    colors = np.stack([growth] * 3, axis=-1)
    iio.imwrite(tmp_path / name, colors, plugin="pyav", codec=CODECS[name], fps=20)
    movie = read_movie(tmp_path / name)
    assert movie.shape == growth.shape
    np.testing.assert_allclose(movie.frames, growth, atol=25)
    assert movie.frame_time == pytest.approx(0.05)


@pytest.mark.slow
def test_lazy_video(tmp_path, growth, monkeypatch):
    pytest.importorskip("av", reason="install the extra 'video'")
    colors = np.stack([growth] * 3, axis=-1)
    iio.imwrite(tmp_path / "a.mp4", colors, plugin="pyav", codec="libx264", fps=20)
    whole = read_movie(tmp_path / "a.mp4").frames
    monkeypatch.setattr("napari_lattice_symmetry.io.loading.memory_budget", lambda: 10_000)
    lazy = read_movie(tmp_path / "a.mp4").frames
    assert lazy.chunks[0] == (1,) * 6
    np.testing.assert_array_equal(lazy[4].compute(), whole[4])
    np.testing.assert_array_equal(lazy.compute(), whole)


def test_a_gif_that_claims_more_than_it_can_hold(tmp_path):
    header = b"GIF89a" + b"\xff\xff\xff\xff" + b"\x80\0\0" + bytes(6)
    image = b",\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0;"
    (tmp_path / "a.gif").write_bytes(header + image)
    with pytest.raises(InputError, match=r"^a\.gif is (damaged|not a)"):
        read_movie(tmp_path / "a.gif")


def test_a_video_that_was_cut_off_ends_where_its_frames_end(tmp_path, caplog):
    pytest.importorskip("av", reason="install the extra 'video'")
    import av

    noise = np.random.default_rng(0).integers(100, 255, (12, 48, 64), dtype=np.uint8)
    whole, half = tmp_path / "whole.mp4", tmp_path / "half.mp4"
    with av.open(whole, "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj444p"
        for frame in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())
    content = whole.read_bytes()
    half.write_bytes(content[: len(content) * 6 // 10])

    expected = read_movie(whole).frames
    assert len(expected) == 12
    movie = read_movie(half)
    assert 5 <= len(movie) <= 7
    np.testing.assert_array_equal(movie.frames, expected[: len(movie)])
    assert f"{len(movie)} of its 12 frames are there" in caplog.text
