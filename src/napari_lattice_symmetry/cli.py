"""The command ``lattice-symmetry``: its verbs, each imported when it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from napari_lattice_symmetry.errors import LatticeSymmetryError, guard
from napari_lattice_symmetry.interrupts import INTERRUPTED, keep_on_interrupt

VERBS = {
    "analyze": "Analyze the movie or image in each FILE.",
    "atoms": "Find the atoms in FILE.",
    "cell": "Average the unit cell in FILE and name its plane group.",
    "columns": "Name the columns of a layer MX2 in the focal series in FILE.",
    "crystal": "Describe the structure in FILE and its view along a zone axis.",
    "drift": "Measure how the frames of the movie FILE drift, and undo it.",
    "export": "Write a saved RESULT for other programs.",
    "info": "Describe a movie, a result or, without FILE, this installation.",
    "kinetics": "Fit how fast a phase grows in a saved RESULT.",
    "match": "Tell which CRYSTAL a saved RESULT shows, along which zone axis.",
    "report": "Write a report on a saved RESULT.",
    "simulate": "Simulate the movie NAME, whose classes are known.",
    "strain": "Map strain and rotation of the lattices of a saved RESULT.",
    "train": "Train NETWORK on simulated windows, or on structures.",
    "watch": "Analyze the frames in PLACE as they are written.",
}
"""What each does; that of the name is a command in the module of the name, but for these."""

_MODULES = {"columns": "atoms"}


# Click itself knows how these end, a pipe that was closed among them.
_PASSING = (
    LatticeSymmetryError,
    click.ClickException,
    click.exceptions.Exit,
    click.Abort,
    BrokenPipeError,
)


class _Verbs(click.Group):
    """Commands that end as one sentence for the user, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = import_module(
            f"napari_lattice_symmetry.commands.{_MODULES.get(cmd_name, cmd_name)}"
        )
        command: click.Command = getattr(module, cmd_name)
        keep_on_interrupt()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, TextIOWrapper):  # a file's name may be of any bytes
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with guard("The command failed", unless=_PASSING):
                return super().invoke(ctx)
        except LatticeSymmetryError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="napari-lattice-symmetry")
def main() -> None:
    """Name the 2D Bravais lattice under every window of an atomically resolved movie."""
