from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_lattice_symmetry.errors import InputError


@pytest.fixture
def training(monkeypatch):
    """Note the calls of the training instead of training."""
    module = SimpleNamespace(calls=[], outcome=None)

    def train(network, output, **settings):
        module.calls.append((network, output, settings))
        if module.outcome:
            raise module.outcome
        return output / f"{network}.keras"

    module.train = train
    monkeypatch.setitem(sys.modules, "napari_lattice_symmetry.bravais.training", module)
    return module


def test_train_hands_its_options_on(run, training):
    done = run("train", "polar", "-o", "here", "--windows", "640", "--epochs", "2", "--seed", "7")
    assert done.exit_code == 0, done.output
    settings = {"start": None, "windows": 640, "epochs": 2, "seed": 7, "workers": None}
    assert training.calls == [("polar", Path("here"), settings)]
    assert "Wrote here/polar.keras." in done.stdout


@pytest.mark.parametrize(
    ("outcome", "status", "says"),
    [
        (KeyboardInterrupt(), 130, "the same command goes on"),
        (InputError("other settings"), 1, "Error: other settings"),
        (PermissionError(13, "Permission denied"), 1, "cannot be written"),
    ],
)
def test_train_that_ends_early_says_so(run, training, outcome, status, says):
    training.outcome = outcome
    done = run("train", "published")
    assert done.exit_code == status
    assert says in done.stderr


def test_a_verdict_is_not_refined(run, training, tmp_path):
    start = tmp_path / "mine.keras"
    start.touch()
    done = run("train", "verdict", "-o", "here", "--start", str(start))
    assert done.exit_code == 2
    assert "leave out --start" in done.output
    assert not training.calls
