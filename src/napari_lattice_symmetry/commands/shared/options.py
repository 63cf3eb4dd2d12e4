"""Options that several commands have, made from what the parameters say of themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.io.axes import FRAMES_ARE

Function = TypeVar("Function", bound=Callable[..., Any])


PATH = click.Path(path_type=Path)


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them."""

    name = "numbers"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Make numbers of the text."""
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not numbers with commas between them.", param, ctx)


def analysis_options(names: Collection[str] | None = None) -> Callable[[Function], Function]:
    """Add an option for each field of `AnalysisParameters`, or for some, to a command."""
    properties = AnalysisParameters.model_json_schema()["properties"]

    def decorate(command: Function) -> Function:
        for name, field in reversed(properties.items()):
            if names is None or name in names:
                command = _option_of(name, field)(command)
        return command

    return decorate


def _option_of(name: str, field: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Make the option for one field, given as JSON schema, of the parameters."""
    schema = field.get("anyOf", [field])[0]
    option = f"--{name.replace('_', '-')}"
    kind: click.ParamType[Any] = click.STRING
    more: dict[str, Any] = {"show_default": field["default"] is not None}
    if "enum" in schema:
        kind = click.Choice(schema["enum"])
    elif schema["type"] == "integer":
        end = schema.get("exclusiveMaximum")
        kind = click.IntRange(schema.get("minimum"), schema.get("maximum", end), max_open=bool(end))
    elif schema["type"] == "number":
        start = schema.get("exclusiveMinimum")
        kind = click.FloatRange(
            schema.get("minimum", start), schema["maximum"], min_open=start is not None
        )
    elif schema["type"] == "boolean":
        option, kind = f"{option}/--no-{name.replace('_', '-')}", click.BOOL
    elif schema["type"] == "array":
        kind, more = click.FLOAT, {"nargs": 4, "metavar": "XX XY YX YY", "callback": _as_matrix}
    return click.option(
        option, type=kind, default=field["default"], help=field["description"], **more
    )


def _as_matrix(
    _context: click.Context, _option: click.Parameter, values: tuple[float, ...] | None
) -> tuple[tuple[float, ...], ...] | None:
    return None if values is None else (values[:2], values[2:])


frames_option = click.option(
    "--frames-are",
    type=click.Choice(FRAMES_ARE),
    help="Along which axis frames lie: the first or the last of three, or that of channels.  "
    "[default: what the file says]",
)


def file_options(command: Function) -> Function:
    """Add the options that say what to read from a file to a command."""
    command = click.option(
        "--channel", help="Which channel of a file that holds several, by name or number from 0."
    )(command)
    return click.option("--dataset", help="Which dataset of a file that holds several.")(command)


class PixelSize(click.ParamType[Any]):
    """One length, or width and height with a comma; gives (height, width)."""

    name = "lengths"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Make numbers of the text."""
        try:
            sizes = [float(part) for part in value.split(",")]
        except ValueError:
            sizes = []
        if len(sizes) not in (1, 2) or not all(0 < size < math.inf for size in sizes):
            self.fail(f"{value!r} is not one positive number, or two with a comma.", param, ctx)
        return sizes[-1], sizes[0]


def calibration_options(command: Function) -> Function:
    """Add the options that say what a file does not, or says wrongly, to a command."""
    command = click.option(
        "--frame-time",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Time from one frame to the next.  [default: that in the file]",
    )(command)
    return click.option(
        "--pixel-size",
        type=PixelSize(),
        metavar="NM[,NM]",
        help="Size of a pixel, or its width and height.  [default: that in the file]",
    )(command)


def output_option(description: str) -> Callable[[Function], Function]:
    """Add the option that says where to write to a command."""
    return click.option("-o", "--output", type=PATH, help=description)


def outputs_option(description: str, *, required: bool = False) -> Callable[[Function], Function]:
    """Add the option that says where to write, whose endings say what, to a command."""
    return click.option(
        "--to",
        "outputs",
        type=PATH,
        multiple=True,
        required=required,
        metavar="FILE",
        help=description,
    )


overwrite_option = click.option("--overwrite", is_flag=True, help="Replace older output.")
