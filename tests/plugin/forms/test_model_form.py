"""Forms that are made from the fields of settings."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.forms.model_form import ModelForm
from napari_lattice_symmetry.plugin.memory import stored
from napari_lattice_symmetry.settings import ADVANCED

CHANGED = AnalysisParameters(
    window=64,
    stride=3,
    samples=5000,
    network="published",
    seed=2**32 - 1,
    last_frame=0,
    distortion=((1, 0.1), (0, 1)),
    lattice_maps=True,
    plane_groups=True,
    tolerance=0.015,
)


@pytest.fixture
def make_form(qtbot):
    def make(defaults=None, **options):
        form = ModelForm(defaults or AnalysisParameters(), **options)
        qtbot.addWidget(form.native)
        return form

    return make


@pytest.fixture
def form(make_form):
    return make_form()


def test_every_field_has_a_row_with_its_words(form):
    assert {field.name for field in form} == set(AnalysisParameters.model_fields)
    for name, field in AnalysisParameters.model_fields.items():
        native = form[name].native
        heading = field.json_schema_extra and field.json_schema_extra.get("group")
        label = form.pages[heading or ""].labelForField(native)
        assert label.text() == field.title
        assert label.buddy() is native
        assert native.toolTip() == label.toolTip() == field.description


def test_basic_settings_come_first_and_the_rest_is_folded(form, qtbot):
    form.native.show()
    seen = [field.name for field in form if field.native.isVisible()]
    assert seen == ["window", "stride", "samples", "network", "answer"]
    fold = form.pages[ADVANCED].parentWidget().parentWidget()
    qtbot.keyClick(fold.toggleButton(), Qt.Key.Key_Space)
    assert all(field.native.isVisible() for field in form)
    rows = form.pages[ADVANCED]
    height = rows.parentWidget().height()
    rows.addRow(QLabel("of a panel\nthat is opened\nlater"))
    qtbot.waitUntil(lambda: rows.parentWidget().height() > height + 20)


def test_it_begins_with_the_defaults_it_is_given(make_form):
    assert make_form().values() == AnalysisParameters()
    assert make_form(AnalysisParameters(samples=7)).values().samples == 7


def test_some_fields_are_enough(make_form):
    form = make_form(names=("window", "seed"))
    form["window"].value = 64
    assert form.values() == AnalysisParameters(window=64)


def test_ranges_are_those_of_the_fields(form):
    window, seed = form["window"].native, form["seed"].native
    assert (window.minimum(), window.maximum()) == (32, 4096)
    assert (seed.minimum(), seed.maximum()) == (0, 2**32 - 1)


def test_what_is_typed_is_taken(form, qtbot):
    """A number is not raised to the minimum at its first digit."""
    form.native.show()
    for name, text in (("window", "64"), ("seed", "4294967295")):
        box = form[name].native
        box.selectAll()
        qtbot.keyClicks(box, text)
        qtbot.keyClick(box, Qt.Key.Key_Return)
        assert form[name].value == int(text)


def test_values_survive_a_round_trip_that_is_told_once(form):
    told = []
    form.changed.connect(lambda: told.append(form.values()))
    form.set_values(CHANGED)
    assert told == [CHANGED]
    form.set_values(AnalysisParameters())
    assert form.values() == AnalysisParameters()


@pytest.mark.parametrize("name", ["window", "seed", "last_frame", "network", "distortion"])
def test_a_change_is_told(form, name):
    told = []
    form.changed.connect(lambda: told.append(form.values()))
    form[name].value = getattr(CHANGED, name)
    assert [getattr(values, name) for values in told] == [getattr(CHANGED, name)]


def test_a_wrong_value_is_one_sentence(form):
    form["distortion"].value = ((1, 1), (1, 1.001))
    with pytest.raises(InputError, match="a distortion is an invertible matrix"):
        form.values()


def test_a_network_may_be_a_file(monkeypatch, form):
    network = form["network"]
    box = network.native
    answers = iter(["/tmp/own.keras", ""])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (next(answers), ""))

    def choose_file():
        box.setCurrentIndex(box.count() - 1)
        box.activated.emit(box.count() - 1)

    choose_file()
    assert network.value == "/tmp/own.keras"
    assert box.currentText() == "own.keras"
    network.value = "compact"
    network.value = "/tmp/own.keras"
    choose_file()  # and think better of it
    assert network.value == "/tmp/own.keras"
    assert box.currentText() == "own.keras"


def test_settings_are_remembered_until_they_are_reset(make_form, qtbot):
    first = make_form(remembered_as="one")
    first.set_values(CHANGED)
    of_one_image = {"last_frame": None, "distortion": None}
    assert make_form(remembered_as="one").values() == CHANGED.model_copy(update=of_one_image)
    assert make_form(remembered_as="two").values() == AnalysisParameters()
    assert make_form().values() == AnalysisParameters()

    assert "forget" in first.reset_button.toolTip()
    qtbot.mouseClick(first.reset_button, Qt.MouseButton.LeftButton)
    assert first.values() == AnalysisParameters()
    other_defaults = AnalysisParameters(samples=7)
    assert make_form(other_defaults, remembered_as="one").values() == other_defaults


@pytest.mark.parametrize(
    ("kept", "window"),
    [('{"window": 64, "gone": 1}', 64), ('{"window": 5}', 128), ("no JSON", 128)],
)
def test_what_another_version_remembered_is_taken_where_it_fits(make_form, kept, window):
    stored("forms").setValue("one", kept)
    assert make_form(remembered_as="one").values() == AnalysisParameters(window=window)
