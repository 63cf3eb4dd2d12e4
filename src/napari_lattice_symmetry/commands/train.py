"""The command ``lattice-symmetry train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from napari_lattice_symmetry.commands.shared.options import output_option
from napari_lattice_symmetry.files import writing

_FAMILIES = ("fingerprint", "pairs")
_COLUMNS = ("msd", "unet")
_ANEW = ("verdict", *_FAMILIES, *_COLUMNS)
_NETWORKS = ("atoms", "compact", "defects", "polar", "published", *_ANEW)


@click.command()
@click.argument("network", type=click.Choice(_NETWORKS))
@output_option("Folder for checkpoints, curves and weights.  [default: runs/NETWORK]")
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A trained .keras file to refine, instead of training from nothing.",
)
@click.option(
    "--windows",
    type=click.IntRange(1),
    help="Training windows, structures, or pictures.  [default: the recipe's]",
)
@click.option("--epochs", type=click.IntRange(1), help="Epochs.  [default: the recipe's]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Processes that simulate.  [default: all]")
def train(network: str, output: Path | None, **settings: Any) -> None:
    """Train NETWORK on simulated windows, or on structures.

    The NETWORK verdict is what weighs the answers of compact and of the lattice fit. The networks
    fingerprint and pairs name the family of a crystal, and of a cluster in any orientation. The
    network atoms finds atoms; its windows are the pictures of an epoch, which are new in each. The
    network defects maps what is wrong with a lattice; its windows are crops. The networks msd and
    unet name the columns of a focal series; they share simulated series, which are kept beside the
    folder.

    A training that is found in the folder goes on after its last whole epoch; that of a verdict
    keeps what was found out about its windows.
    """
    if network in _ANEW and settings["start"]:
        raise click.UsageError(f"A {network} network is trained from nothing; leave out --start.")
    output = output or Path("runs") / network
    try:
        with writing(output):
            weights = _train(network, output, **settings)
    except KeyboardInterrupt:
        click.echo(f"Stopped; the same command goes on from what {output} holds.", err=True)
        raise
    click.echo(f"Wrote {weights}.")


def _train(network: str, output: Path, **settings: Any) -> Path:
    if network == "atoms":
        from napari_lattice_symmetry.atoms.finding.training import train_finder

        return train_finder(output, pictures=settings.pop("windows"), **settings)
    if network == "defects":
        from napari_lattice_symmetry.atoms.defect_maps.training import train_defects

        return train_defects(output, crops=settings.pop("windows"), **settings)
    if network == "verdict":
        from napari_lattice_symmetry.bravais.verdict_training import train_verdict

        del settings["start"]
        return train_verdict(output, **settings)
    if network in _COLUMNS:
        from napari_lattice_symmetry.atoms.focal.training import train_columns

        del settings["start"]
        return train_columns(output, network=network, series=settings.pop("windows"), **settings)
    if network in _FAMILIES:
        from napari_lattice_symmetry.crystals.families.training import train as train_family

        del settings["start"]
        return train_family(network, output, structures=settings.pop("windows"), **settings)
    from napari_lattice_symmetry.bravais.training import train as train_network

    return train_network(network, output, **settings)
