"""Options that say which cell is known, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def known_cell_option(text: str) -> Callable[[Function], Function]:
    """Add the option of a typed cell, a and b in nm, gamma in degrees, to a command."""
    return click.option(
        "--known", type=(float, float, float), metavar="A B GAMMA", help=f"{text} In nm and °."
    )


def rectangle_option(text: str) -> Callable[[Function], Function]:
    """Add the option of a rectangle of the image to a command."""
    return click.option(
        "--in",
        "rectangle",
        type=(float, float, float, float),
        metavar="X0 Y0 X1 Y1",
        help=f"{text} In px.",
    )
