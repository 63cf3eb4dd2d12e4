"""The command in a folder of its own."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from napari_lattice_symmetry.bravais.registry import REGISTRY
from napari_lattice_symmetry.cli import main


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stand_in(monkeypatch, fake_model):
    """The stand-in network, which commands load."""
    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", lambda *_: fake_model)
    monkeypatch.delitem(REGISTRY.entries["compact"], "verdict")  # no verdict knows a stand-in
    return fake_model


@pytest.fixture
def no_network(monkeypatch):
    """Let loading a network fail the test: commands must refuse before that."""
    monkeypatch.setattr(
        "napari_lattice_symmetry.bravais.load_model",
        lambda *_: pytest.fail("a network was loaded"),
    )


@pytest.fixture
def run():
    """Run the command with these arguments."""
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def assert_one_sentence():
    """See that a command has ended with one sentence."""

    def check(done, says):
        assert done.exit_code == 1
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1
        assert re.search(says, errors[0])
        assert done.stderr.endswith(errors[0] + "\n")
        assert "Traceback" not in done.stderr

    return check
