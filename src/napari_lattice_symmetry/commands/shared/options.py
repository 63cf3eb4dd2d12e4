"""Options that several commands have, made from what the parameters say of themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from napari_lattice_symmetry.io.axes import FRAMES_ARE
from napari_lattice_symmetry.settings import SettingsModel

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


def settings_options(
    model: type[SettingsModel], *names: str, **renamed: str
) -> Callable[[Function], Function]:
    """Add an option for each field of a model of settings, or for some, to a command.

    Parameters
    ----------
    model : type
        Whose fields say default, range, choices and help.
    *names : str
        Which of them; all if none is named.
    **renamed : str
        Others, with the name of the option where that is not the field's.
    """
    schemas = model.model_json_schema()["properties"]
    options = {name: name for name in names or (() if renamed else schemas)} | renamed

    def decorate(command: Function) -> Function:
        for name, option in reversed(options.items()):
            command = _option_of(name, option.replace("_", "-"), schemas[name])(command)
        return command

    return decorate


def _option_of(name: str, option: str, field: Mapping[str, Any]) -> Callable[[Function], Function]:
    """Make the option for one field, given as JSON schema, of a model."""
    schema = field.get("anyOf", [field])[0]
    flags, kind = f"--{option}", _kind_of(schema, field)
    more: dict[str, Any] = {"show_default": field["default"] is not None}
    if schema["type"] == "boolean":
        flags = f"{flags}/--no-{option}"
    elif schema["type"] == "array":
        more = {"nargs": 4, "metavar": "XX XY YX YY", "callback": _as_matrix}
    elif "unit" in field:
        more["metavar"] = field["unit"].strip()
    return click.option(
        flags, name, type=kind, default=field["default"], help=field["description"], **more
    )


def _kind_of(schema: Mapping[str, Any], field: Mapping[str, Any]) -> click.ParamType[Any]:
    """Choose what values an option takes; a file may be named where there are files to choose."""
    if "enum" in schema or ("choices" in field and "files" not in field):
        return click.Choice(schema.get("enum") or field["choices"])
    if schema["type"] not in ("integer", "number"):
        return {"boolean": click.BOOL, "array": click.FLOAT}.get(schema["type"], click.STRING)
    limits = click.IntRange if schema["type"] == "integer" else click.FloatRange
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return limits(
        schema.get("minimum", above),
        schema.get("maximum", below),
        min_open=above is not None,
        max_open=below is not None,
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
