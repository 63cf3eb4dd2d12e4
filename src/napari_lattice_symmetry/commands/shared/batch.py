"""Many files in one command: each has its own result, and one that fails stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path

import click

from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError, guard


def expand(files: Sequence[Path]) -> list[Path]:
    """Put what a pattern matches in its place; shells mostly have done so before.

    Raises
    ------
    InputError
        If a pattern matches nothing.
    """
    paths: list[Path] = []
    for file in files:
        if file.exists() or not has_magic(str(file)):
            paths.append(file)
            continue
        found = sorted(glob(str(file)))  # noqa: PTH207, a path may be absolute
        if not found:
            raise InputError(f"No file matches {file}.")
        paths += map(Path, found)
    return paths


def outputs_of(files: Sequence[Path], output: Path | None) -> dict[Path, Path]:
    """Return the place of each file's result.

    Raises
    ------
    InputError
        If the name of `output` does not fit, or two results would have one name.
    """
    if len(files) == 1:
        output = output or Path(f"{_stem(files[0])}.zarr")
        if output.suffix != ".zarr":
            raise InputError(f"The output {output} must be named .zarr.")
        return {files[0]: output}
    if output is not None and output.suffix == ".zarr":
        raise InputError(f"{len(files)} files need a folder for their results, not {output}.")
    outputs = {file: (output or Path()) / f"{_stem(file)}.zarr" for file in files}
    for target, count in Counter(outputs.values()).items():
        if count > 1:
            raise InputError(f"{count} of the files would have the result {target}; rename them.")
    return outputs


def _stem(file: Path) -> str:
    """Return the name of a file or folder without its ending, also of ``.`` and ``..``."""
    return (file if file.name.strip(".") else file.resolve()).stem


def run_each(outputs: Mapping[Path, Path], run: Callable[[Path, Path], None]) -> None:
    """Call `run` with each file and its output, and tell at the end which failed, and why.

    Raises
    ------
    LatticeSymmetryError
        If the only file fails.
    click.exceptions.Exit
        With status 1, if any of several files fails.
    """
    failures: dict[Path, str] = {}
    for file, output in outputs.items():
        try:
            with guard(f"{file}: the analysis failed"):
                run(file, output)
        except LatticeSymmetryError as error:
            if len(outputs) == 1:
                raise
            failures[file] = _name(file, str(error))
            click.echo(failures[file], err=True)
    if failures:
        click.echo(f"\n{len(failures)} of {len(outputs)} files failed:", err=True)
        for failure in failures.values():
            click.echo(f"  {failure}", err=True)
        raise click.exceptions.Exit(1)


def _name(file: Path, sentence: str) -> str:
    """Let a sentence name a file with its folder, and once."""
    if str(file) in sentence:
        return sentence
    if file.name in sentence:
        return sentence.replace(file.name, str(file), 1)
    return f"{file}: {sentence.removeprefix(f'{file.stem}: ')}"
