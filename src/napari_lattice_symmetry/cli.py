"""The same analysis without a screen: the command ``lattice-symmetry``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import click
import numpy as np

from napari_lattice_symmetry.analysis import insert_in_background, iter_analyze
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters, parse_parameters
from napari_lattice_symmetry.commands.batch import expand, outputs_of, run_each
from napari_lattice_symmetry.commands.correction import corrected, known_option
from napari_lattice_symmetry.commands.describe import describe_movie, describe_result, tree
from napari_lattice_symmetry.commands.export import export
from napari_lattice_symmetry.commands.kinetics import kinetics
from napari_lattice_symmetry.commands.options import (
    analysis_options,
    calibration_options,
    file_options,
    overwrite_option,
)
from napari_lattice_symmetry.commands.report import report
from napari_lattice_symmetry.commands.results import find_result
from napari_lattice_symmetry.commands.watch import watch
from napari_lattice_symmetry.errors import AnalysisError, InputError, LatticeSymmetryError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice import AT_LEAST, CLASSES, SIMULATIONS, at_least, simulate
from napari_lattice_symmetry.results import (
    MovieResult,
    check_target,
    open_result,
    plot_fractions,
    plot_maps,
    provenance,
    versions,
)
from napari_lattice_symmetry.results.store import writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_lattice_symmetry.analysis import Known
    from napari_lattice_symmetry.analysis.cluster import Cluster
    from napari_lattice_symmetry.bravais.classifier import Classifier
    from napari_lattice_symmetry.data.movie import Movie

    Function = TypeVar("Function", bound=Callable[..., Any])

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class _Commands(click.Group):
    """Commands whose errors for the user end as one sentence, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LatticeSymmetryError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="napari-lattice-symmetry")
def main() -> None:
    """Name the 2D Bravais lattice under every window of an atomically resolved movie."""


@main.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Zarr folder for the result, or a folder for the results of several files.  "
    "[default: FILE's name with .zarr, here]",
)
@overwrite_option
@file_options
@calibration_options
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw figures as PNG.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers analyze.")
@click.option(
    "--workers", type=click.IntRange(1), help="Start so many Dask workers on this machine."
)
@known_option
@analysis_options()
def analyze(
    files: tuple[Path, ...],
    *,
    output: Path | None,
    overwrite: bool,
    dataset: str | None,
    channel: str | None,
    pixel_size: tuple[float, float] | None,
    frame_time: float | None,
    plots: bool,
    scheduler: str | None,
    workers: int | None,
    known: Known | None,
    **settings: Any,
) -> None:
    """Analyze the movie or image in each FILE, which may be a pattern such as "*.dm4".

    Writes the result (Zarr) frame by frame and, at the end, the phase fractions (CSV) and
    figures (PNG) beside it, and prints the phase fractions. Whatever ends a run early, the same
    command continues after the finished frames. A file that fails does not stop the others.
    """
    if scheduler and workers:
        raise InputError("Give either --scheduler or --workers, not both.")
    parameters = parse_parameters(**settings)
    with ExitStack() as ended:
        analyze_one = partial(
            _analyze_one,
            parameters=parameters,
            known=known,
            load=cache(partial(load_model, parameters.network)),
            read=partial(_read, (dataset, channel), (pixel_size, frame_time)),
            start=cache(lambda: ended.enter_context(_cluster(scheduler, workers))),
            overwrite=overwrite,
            plots=plots,
        )
        run_each(outputs_of(expand(files), output), analyze_one)


def _analyze_one(
    file: Path,
    output: Path,
    *,
    parameters: AnalysisParameters,
    known: Known | None,
    read: Callable[[Path], Movie],
    load: Callable[[], Classifier],
    start: Callable[[], Cluster | None],
    overwrite: bool,
    plots: bool,
) -> None:
    table, *figures = [
        _beside(output, end) for end in ("fractions.csv", "fractions.png", "maps.png")
    ]
    written = [output, table, *(figures if plots else [])]

    movie = read(file)
    if known is not None:
        parameters = corrected(movie, parameters, known)
    _refuse_existing(written[1:], overwrite or output.exists())
    check_target(output, movie, parameters, overwrite=overwrite)
    model = load()
    origin, cluster = provenance(model, movie, parameters), start()
    with open_result(output, movie, parameters, origin, overwrite=overwrite) as result:
        interruption = _run(movie, model, result, cluster)
    n_done, n = int(result.done.sum()), len(result.done)
    if interruption:
        kept = f"{n_done} of {n} frames are finished and kept" if n_done else "no frame is finished"
        click.echo(f"Stopped early: {kept}.", err=True)
    if isinstance(interruption, LatticeSymmetryError):
        raise interruption
    if n_done:
        result.to_csv(table)
        if plots:
            _save_figures(result, *figures)
        click.echo(_phase_table(result))
        click.echo("Wrote " + ", ".join(map(str, written)) + ".")
    if interruption:
        raise click.exceptions.Exit(INTERRUPTED)


def _read(
    choice: tuple[str | None, str | None],
    calibration: tuple[tuple[float, float] | None, float | None],
    file: Path,
) -> Movie:
    """Read a movie frame by frame, and note what was chosen of the file and set by hand."""
    dataset, channel = choice
    movie = read_movie(file, dataset=dataset, channel=channel, lazy=True)
    return replace(movie.recalibrated(*calibration), dataset=dataset, channel=channel)


def _cluster(scheduler: str | None, workers: int | None) -> AbstractContextManager[Cluster | None]:
    """Start what is to analyze: nothing if that is done right here."""
    if workers is None:
        return nullcontext(scheduler)
    from napari_lattice_symmetry.analysis.cluster import local_cluster

    return local_cluster(workers)


def _run(
    movie: Movie, model: Classifier, result: MovieResult, cluster: Cluster | None
) -> KeyboardInterrupt | AnalysisError | None:
    """Fill a result frame by frame behind a progress bar; give what ended it early."""
    from tqdm import tqdm

    size, n, n_before = result.grid.size, len(result.done), int(result.done.sum())
    start = perf_counter()
    interruption = None
    with tqdm(total=n * size, initial=n_before * size, unit="window", desc=movie.name) as bar:
        analyzed = iter_analyze(
            movie,
            result.parameters,
            done=result.done,
            scheduler=cluster,
            model=model,
            progress=lambda done, total: bar.update(done - bar.n),
        )
        try:
            with closing(insert_in_background(result, analyzed)) as frames:
                for frame in frames:
                    if frame.failure:
                        bar.write(frame.failure, file=sys.stderr)
        except (KeyboardInterrupt, AnalysisError) as error:
            interruption = error
    seconds, n_done = perf_counter() - start, int(result.done.sum())
    windows = (n_done - n_before) * size
    earlier = f" ({n_before} of them before)" if n_before else ""
    skipped = f", {result.failed.sum()} skipped" if result.failed.any() else ""
    click.echo(f"{n_done} of {n} frames{earlier}{skipped}, {windows} windows in {seconds:.1f} s.")
    return interruption


def _save_figures(result: MovieResult, fractions: Path, maps: Path) -> None:
    """Draw the phase fractions, and the maps of the last frame that was analyzed."""
    last = _analyzed_ends(result)[-1]
    for path, figure in ((fractions, plot_fractions(result)), (maps, plot_maps(result, last))):
        with writing(path):
            figure.savefig(path, dpi=150)


def _analyzed_ends(result: MovieResult) -> list[int]:
    """Give the rows of the first and the last frame that show something."""
    analyzed = np.flatnonzero(np.asarray((result.labels > 0).any(axis=(1, 2))))
    return sorted({int(analyzed[0]), int(analyzed[-1])}) if len(analyzed) else [0]


def _phase_table(result: MovieResult) -> str:
    """Tell the phase fractions of the first and the last frame."""
    rows = _analyzed_ends(result)
    heads = (f"frame {result.frame_indices[row]}" for row in rows)
    lines = [f"{'Phase fraction':<22}" + "".join(f"{head:>18}" for head in heads)]
    for k, name in enumerate(CLASSES):
        values = (f"{result.fractions[t, k]:.3f} ± {result.fractions_std[t, k]:.3f}" for t in rows)
        lines.append(f"{name:<22}" + "".join(f"{value:>18}" for value in values))
    for name in AT_LEAST:
        sums = (f"{at_least(result.fractions[t], name):.3f}" for t in rows)
        title = f"at least {name.removesuffix(' rectangular')}"
        lines.append(f"{title:<22}" + "".join(f"{value:>10}{8 * ' '}" for value in sums).rstrip())
    return "\n".join(lines)


main.add_command(export)
main.add_command(kinetics)
main.add_command(report)
main.add_command(watch)


@main.command("simulate")
@click.argument("name", type=click.Choice(list(SIMULATIONS)))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="TIFF file for the movie.  [default: NAME.tif, here]",
)
@overwrite_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--frames",
    type=click.IntRange(1),
    help="Number of frames, where the movie can have more or fewer.",
)
def simulate_command(
    name: str, output: Path | None, overwrite: bool, seed: int, frames: int | None
) -> None:
    """Simulate the movie NAME, whose classes are known.

    Writes the movie (calibrated TIFF that ImageJ and napari open) and, beside it, the true class
    of every pixel (_classes.tif, label values 1 to 6) and its parameters (_parameters.json).
    """
    output = output or Path(f"{name}.tif")
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise InputError(f"The output {output} must be named .tif.")
    classes, parameters = (_beside(output, end) for end in ("classes.tif", "parameters.json"))
    _refuse_existing([output, classes, parameters], overwrite)
    simulated = simulate(name, seed=seed, **({} if frames is None else {"frames": frames}))
    movie = simulated.movie
    _write_tiff(output, np.asarray(movie.frames), movie)
    _write_tiff(classes, simulated.classes, movie)
    with writing(parameters):
        parameters.write_text(json.dumps(simulated.parameters, indent=2) + "\n", encoding="utf-8")
    click.echo(f"Wrote {output}, {classes}, {parameters}.")


def _write_tiff(path: Path, stack: NDArray[Any], movie: Movie) -> None:
    """Write a stack (T, Y, X) with the calibration of `movie`, in the dialect of ImageJ."""
    import tifffile

    if stack.dtype not in (np.uint8, np.uint16, np.float32):
        stack = stack.astype(np.float32)
    y, x = movie.pixel_size
    metadata: dict[str, Any] = {"axes": "TYX", "unit": movie.unit}
    if movie.frame_time is not None:
        metadata["finterval"] = movie.frame_time
    with writing(path):
        tifffile.imwrite(path, stack, imagej=True, resolution=(1 / x, 1 / y), metadata=metadata)


@main.command()
@click.argument("network", type=click.Choice(["polar", "published"]))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for checkpoints, curves and weights.  [default: runs/NETWORK]",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A trained .keras file to refine, instead of training from nothing.",
)
@click.option(
    "--windows", type=click.IntRange(1), help="Training windows.  [default: the recipe's]"
)
@click.option("--epochs", type=click.IntRange(1), help="Epochs.  [default: the recipe's]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Processes that simulate.  [default: all]")
def train(network: str, output: Path | None, **settings: Any) -> None:
    """Train NETWORK on simulated windows.

    A training that is found in the folder goes on after its last whole epoch.
    """
    from napari_lattice_symmetry.bravais.training import train as train_network

    output = output or Path("runs") / network
    try:
        with writing(output):
            weights = train_network(network, output, **settings)
    except KeyboardInterrupt:
        click.echo("Stopped; the same command goes on after the last whole epoch.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    click.echo(f"Wrote {weights}.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@file_options
def info(file: Path | None, dataset: str | None, channel: str | None) -> None:
    """Describe a movie, a result or, without FILE, this installation."""
    if file is None:
        lines = _installation()
    elif (result := find_result(file)) is not None:
        lines = tree(describe_result(result))
    else:
        lines = tree(describe_movie(read_movie(file, dataset=dataset, channel=channel)))
    click.echo("\n".join(lines))


def _installation() -> Iterator[str]:
    from napari_lattice_symmetry.bravais.registry import REGISTRY

    return tree({"versions": versions(), "networks": REGISTRY.entries})


def _beside(output: Path, end: str) -> Path:
    return output.with_name(f"{output.stem}_{end}")


def _refuse_existing(paths: list[Path], overwrite: bool) -> None:
    """Refuse to replace files, unless asked to."""
    for path in paths:
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists; choose another name, or give --overwrite.")
