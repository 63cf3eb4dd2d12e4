"""The command itself: what it lists, and how it ends whatever a verb does."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from napari_lattice_symmetry.cli import VERBS, main
from napari_lattice_symmetry.commands import info
from napari_lattice_symmetry.errors import InputError


def test_every_verb_is_listed_as_it_describes_itself():
    with click.Context(main) as context:
        for name, line in VERBS.items():
            command = main.get_command(context, name)
            assert command.name == name
            assert command.get_short_help_str(limit=100).rstrip(".") == line.rstrip(".")
    listed = CliRunner().invoke(main, ["--help"]).stdout.split("Commands:\n")[1]
    assert [line.split()[0] for line in listed.splitlines()] == sorted(VERBS)
    assert all(line in listed for line in VERBS.values())


def test_a_verb_that_is_not_there_is_a_usage_error():
    done = CliRunner().invoke(main, ["analyse"])
    assert done.exit_code == 2
    assert "No such command 'analyse'" in done.stderr


def test_help_loads_no_numpy_and_is_quick():
    code = (
        "import json, sys, time\n"
        "from napari_lattice_symmetry.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(json.dumps([sorted(sys.modules), time.process_time()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, seconds = json.loads(done.stdout.splitlines()[-1])
    assert "click" in loaded
    assert not {"numpy", "pydantic", "napari_lattice_symmetry.analysis"} & set(loaded)
    assert seconds < 1


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (InputError("a.tif is no image."), 1, "Error: a.tif is no image.\n"),
        (KeyError("shape"), 1, "Error: The command failed (KeyError: 'shape').\n"),
        (OSError("no space\nleft"), 1, "Error: The command failed (no space).\n"),
        (click.UsageError("bad option"), 2, "Error: bad option\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_goes_wrong_ends_without_a_traceback(monkeypatch, error, status, told):
    def fail():
        raise error

    monkeypatch.setattr(info, "versions", fail)
    done = CliRunner().invoke(main, ["info"])
    assert done.exit_code == status
    assert done.stderr.endswith(told)
    assert "Traceback" not in done.stderr
