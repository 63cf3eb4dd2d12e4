"""The command as a process: Ctrl-C ends it quietly from its first moment to its last."""

from __future__ import annotations

from napari_lattice_symmetry.interrupts import leave_on_interrupt


def main() -> None:
    """Run the command ``lattice-symmetry``."""
    leave_on_interrupt()  # before the import, which takes most of the time of a start
    from napari_lattice_symmetry.cli import main as command

    try:
        command()
    finally:
        leave_on_interrupt()  # all is written


if __name__ == "__main__":
    main()
