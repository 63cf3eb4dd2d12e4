"""A report stands alone, says what the result says, and runs nothing that a name holds."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import imageio.v3 as iio
import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.evolution.curves import class_curves
from napari_lattice_symmetry.evolution.kinetics import fit_growth
from napari_lattice_symmetry.lattice import CLASSES, COLORS, simulate
from napari_lattice_symmetry.report.page import ARTICLE, write_report

VOID = {"meta", "img", "source", "link", "br"}


class Page(HTMLParser):
    """A page that was read: its tags with their attributes, its text; tags must be balanced."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags, self.words, self._open = [], [], []
        self.feed(self.source)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.words.append(" ".join(data.split()))

    @property
    def text(self):
        return " ".join(filter(None, self.words))

    def images(self, kind):
        """Decode all images of a kind."""
        uris = [v for _, a in self.tags for k, v in a.items() if k in ("src", "srcset")]
        start = f"data:{kind};base64,"
        return [base64.b64decode(u.removeprefix(start)) for u in uris if u.startswith(start)]


@pytest.fixture
def result(movie, parameters, fake_model):
    return analyze(movie, parameters, model=fake_model)


@pytest.fixture
def report(tmp_path):
    def write(result, *args, **keywords):
        path = write_report(result, tmp_path / "report.html", *args, **keywords)
        assert path == tmp_path / "report.html"
        return Page(path)

    return write


def test_the_page_needs_nothing_but_itself(report, result, movie):
    page = report(result, movie)
    assert page.source.startswith("<!DOCTYPE html>")
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "a", "object"})
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "srcset", "href"):
                assert value.startswith("data:image/")
    assert "http" not in re.sub(r"base64,[^\"]*", "", page.source).replace("http-equiv", "")
    policy = dict(page.tags)["meta"]
    assert policy["content"].startswith("default-src 'none'")
    figures = page.images("image/svg+xml")
    for svg in figures:
        ElementTree.fromstring(svg)
    for dark, light in zip(figures[::2], figures[1::2], strict=True):
        assert b"#222222" in light
        assert dark == light.replace(b"#222222", b"#dddddd")


def test_it_tells_what_was_found_and_how(report, result, movie):
    text = report(result, movie).text
    assert "6 of 6 finished" in text
    first, last = result.fractions[[0, -1], 3]
    assert f"{first:.3f} ± {result.fractions_std[0, 3]:.3f}" in text
    assert f"{last:.3f} ± {result.fractions_std[-1, 3]:.3f}" in text
    share = (result.labels == 4).mean()
    assert f"{share:.1%}" in text
    for field in AnalysisParameters.model_fields.values():
        assert field.title in text
        assert " ".join(field.description.split()) in text
    for word in (result.provenance["weights_sha256"], "/data/growth.tif", "0.02 x 0.01 nm", "fake"):
        assert word in text
    assert "lattice-symmetry analyze /data/growth.tif --window 32 --stride 8" in text
    assert "--samples 7 --answer network --seed 3" in text
    assert ARTICLE in text


def test_it_tells_where_the_calibration_comes_from(report, movie, parameters, fake_model):
    known = replace(movie, calibration_source="scale of the MRC axes")
    page = report(analyze(known, parameters, model=fake_model))
    assert "Calibration from scale of the MRC axes" in page.text
    assert "Calibration from not known" in report(analyze(movie, parameters, model=fake_model)).text


def test_it_cites_as_the_software_asks():
    citation = Path(__file__).parents[2] / "CITATION.cff"
    text = " ".join(citation.read_text(encoding="utf-8").split())
    for said in ("10.1038/s41524-018-0086-7", "atomically resolved images", "Vasudevan"):
        assert said in text
        assert said in ARTICLE


def test_pictures_show_frames_under_their_maps(report, result, movie):
    page = report(result, movie)
    images = [iio.imread(image) for image in page.images("image/png")]
    frames = [image for image in images if image.ndim == 2]
    maps = [image for image in images if image.ndim == 3]
    assert len(frames) == 6
    assert len(maps) == 12  # classes and uncertainty
    assert {frame.shape for frame in frames} == {(48, 80)}
    assert frames[0][:, :60].mean() < 100 < frames[0][:, 76:].mean()
    colors = {f"#{r:02X}{g:02X}{b:02X}" for r, g, b, _ in maps[0].reshape(-1, 4)}
    assert colors == {COLORS[CLASSES[label - 1]].upper() for label in np.unique(result.labels[0])}
    place = next(a["style"] for _, a in page.tags if a.get("class") == "over")
    numbers = [float(number) for number in re.findall(r": ([\d.]+)%", place)]
    # 7 x 3 map pixels of 8 px, the first from 12 px on, in frames of 80 x 48 px
    assert numbers == pytest.approx([15, 25, 70, 50])
    bar = next(a["style"] for _, a in page.tags if a.get("class") == "bar")
    assert bar == "width: 25.0%"
    assert "0.2 nm" in page.text


def test_maps_stand_alone_without_the_movie(report, result):
    page = report(result)
    images = [iio.imread(image) for image in page.images("image/png")]
    assert {image.shape for image in images} == {(3, 7, 4)}
    assert "left out" not in page.text


@pytest.mark.parametrize(
    "changed",
    [lambda f: f + 1, lambda f: f[:2], lambda f: f[:, :40]],
    ids=["other gray values", "fewer frames", "smaller frames"],
)
def test_a_movie_that_changed_is_left_out(report, result, movie, changed):
    page = report(result, replace(movie, frames=changed(movie.frames)))
    assert "The frames are left out" in page.text
    assert {iio.imread(image).shape for image in page.images("image/png")} == {(3, 7, 4)}


def test_lattice_parameters_and_agreement_are_told(report, fake_model):
    y, x = np.mgrid[:96, :96]
    lattice = 35 + np.cos(2 * np.pi * x / 8) + np.cos(2 * np.pi * y / 8)
    result = analyze(lattice, window=64, stride=16, samples=5, lattice_maps=True, model=fake_model)
    page = report(result)
    assert "agree in 0.0% of 9 windows" in page.text  # the stand-in says hexagonal
    assert "Median and quartiles" in page.text
    assert re.search(r"square 9 (8|8\.00\d|7\.99\d) px", page.text)
    assert len(page.images("image/svg+xml")) == 2 * 3
    assert "network and lattice fit" in page.text


def test_a_growth_law_is_told(report, fake_model):
    grown = (80 * 0.9 * np.exp(0.15 * (np.arange(16) - 15))).astype(int)
    frames = np.where(np.arange(80) < 80 - grown[:, None, None], 5.0, 35) * np.ones((16, 32, 80))
    result = analyze(frames, window=32, stride=4, samples=5, model=fake_model)
    fit = fit_growth(class_curves(result)["hexagonal"], 3)
    page = report(result, growth=[fit])
    assert f"Growth of hexagonal: {fit.law.formula}" in page.text
    rho = fit.estimates["rho"]
    assert f"{rho.value:.4g} {rho.unit} ({rho.low:.4g} to {rho.high:.4g})" in page.text


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}$\\frac{$'


def test_what_strangers_write_stays_text(report, result, movie):
    result = replace(
        result,
        name=EVIL,
        source=f"/data/{EVIL}\udcff.tif",
        provenance={**result.provenance, EVIL: EVIL, "versions": {EVIL: EVIL}},
        parameters=result.parameters.model_copy(update={"network": EVIL}),
    )
    page = report(result, replace(movie, name=EVIL))
    assert "script" not in {tag for tag, _ in page.tags}
    assert all(not name.startswith("on") for _, a in page.tags for name in a)
    assert page.text.startswith(EVIL)
    assert page.text.count(f"{EVIL} The 2D") == 1  # the heading
    for svg in page.images("image/svg+xml"):
        assert b"script" not in svg


def test_one_frame_and_a_blank_one(report, frames, parameters, fake_model):
    assert "1 of 1 finished" in report(analyze(frames[0], parameters, model=fake_model)).text
    frames[0] = 0
    text = report(analyze(frames[:2], parameters, model=fake_model)).text
    assert "2 of 2 finished" in text


def test_nothing_finished_and_no_place_are_one_sentence(movie, parameters, result, tmp_path):
    empty = type(result).empty(movie, parameters)
    with pytest.raises(InputError, match="no frame is finished"):
        write_report(empty, tmp_path / "report.html")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(result, tmp_path)


def test_a_long_movie_of_large_frames_stays_small(tmp_path, fake_model):
    noise = np.random.default_rng(0).integers(0, 255, (7, 700, 700), dtype=np.uint8)
    frames = noise[np.arange(100) % 7]
    result = analyze(frames, window=128, stride=80, samples=3, model=fake_model)
    path = write_report(result, tmp_path / "report.html", Movie(frames))
    assert path.stat().st_size < 5e6


def test_a_simulated_movie_with_its_calibration(report, fake_model):
    movie = simulate("two-grains", size=128).movie
    page = report(analyze(movie, window=64, stride=32, samples=3, model=fake_model), movie)
    assert "Pixel size 0.025 x 0.025 nm" in page.text
    assert "1 nm" in page.text
