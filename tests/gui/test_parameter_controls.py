"""Controls that are made from the fields of the parameters."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFileDialog, QFormLayout, QWidget

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.plugin.forms.parameter_controls import ParameterControls


@pytest.fixture
def parent(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    return parent


@pytest.fixture
def controls(parent):
    return ParameterControls(QFormLayout(parent), parent)


def test_every_field_has_a_row_with_its_words(parent, controls):
    form = parent.layout()
    assert set(controls.controls) == set(AnalysisParameters.model_fields)
    for name, field in AnalysisParameters.model_fields.items():
        widget = controls.controls[name].widget
        assert form.labelForField(widget).text() == field.title
        assert widget.toolTip() == field.description


def test_they_begin_with_the_defaults(controls):
    assert controls.values() == AnalysisParameters()


def test_ranges_are_those_of_the_fields(controls):
    window, seed = controls.controls["window"].widget, controls.controls["seed"].widget
    assert (window.minimum(), window.maximum()) == (32, 4096)
    assert (seed.minimum(), seed.maximum()) == (0, 2**32 - 1)


def test_values_survive_a_round_trip(controls):
    parameters = AnalysisParameters(
        window=64, stride=3, samples=5000, network="published", seed=2**32 - 1, last_frame=0
    )
    controls.set_values(parameters)
    assert controls.values() == parameters
    controls.set_values(AnalysisParameters())
    assert controls.values().last_frame is None


def test_a_change_is_told(qtbot, controls):
    for name, value in {"window": 64, "seed": 3, "last_frame": 5, "network": "published"}.items():
        with qtbot.waitSignal(controls.changed):
            controls.controls[name].set(value)


def test_a_network_may_be_a_file(monkeypatch, controls):
    control = controls.controls["network"]
    box = control.widget
    answers = iter(["/tmp/own.keras", ""])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (next(answers), ""))

    def choose_file():
        box.setCurrentIndex(box.count() - 1)
        box.activated.emit(box.count() - 1)

    choose_file()
    assert control.get() == "/tmp/own.keras"
    assert box.currentText() == "own.keras"
    control.set("polar")
    control.set("/tmp/own.keras")
    choose_file()  # and think better of it
    assert control.get() == "/tmp/own.keras"
