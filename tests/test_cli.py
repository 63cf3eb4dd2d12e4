"""The command itself: what it lists, and how it ends whatever a verb does."""

from __future__ import annotations

import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from loading import modules_after

from napari_lattice_symmetry.cli import VERBS, main
from napari_lattice_symmetry.commands import info
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.interrupts import keep_on_interrupt, leave_on_interrupt

OWN = ("cli", "errors", "interrupts")


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


def test_help_loads_click_and_little_else():
    shown = modules_after(
        "from napari_lattice_symmetry.cli import main; main(['--help'], standalone_mode=False)"
    )
    own = {name for name in shown if name.startswith("napari_lattice_symmetry")}
    assert {name.rpartition(".")[2] for name in own} == {*OWN, "napari_lattice_symmetry"}
    assert len(shown - own - modules_after("import click")) < 50


def test_info_loads_no_more_than_it_tells_of():
    loaded = modules_after("import napari_lattice_symmetry.commands.info")
    assert "napari_lattice_symmetry.io" in loaded
    assert not {"scipy.stats", "napari_lattice_symmetry.atoms", "h5py", "onnxruntime"} & loaded


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a process alone")
@pytest.mark.parametrize("moment", ["click", "napari_lattice_symmetry.commands.info", "ended"])
def test_ctrl_c_while_modules_are_imported_or_after_all_leaves_no_traceback(tmp_path, moment):
    """Ctrl-C comes in the import of a module, or when all is said and Python ends."""
    (tmp_path / "script.py").write_text(
        "import atexit, builtins, os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        f"moment = {moment!r}\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == moment: interrupt()\n"
        "sys.meta_path.insert(0, Finder())\n"
        "if moment == 'ended': atexit.register(interrupt)\n"
        "from napari_lattice_symmetry.__main__ import main\n"
        "sys.argv[1:] = ['info']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert bool(done.stdout) == (moment == "ended")


def test_ctrl_c_that_is_to_be_ignored_still_is(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        leave_on_interrupt()
        keep_on_interrupt()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


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
