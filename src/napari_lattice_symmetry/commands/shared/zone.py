"""Zone axes behind an option: three indices, or four."""

from __future__ import annotations

import re
from itertools import takewhile

import click

from napari_lattice_symmetry.crystals.zones import parse_zone

_OPTION = "--zone"
_INDEX = re.compile(r"[+-]?\d+")


class _Zone(click.ParamType[tuple[int, ...]]):
    """Whole numbers with blanks or commas between them."""

    name = "indices"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Make indices of the text."""
        return parse_zone(value)


ZONE = _Zone()


class ZoneCommand(click.Command):
    """Joins the indices behind ``--zone``, for an option takes the same number of values always."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments after three or four indices have become one."""
        if _OPTION in args:
            start = args.index(_OPTION) + 1
            indices = list(takewhile(_INDEX.fullmatch, args[start : start + 4]))
            if indices:
                args = [*args[:start], " ".join(indices), *args[start + len(indices) :]]
        return super().parse_args(ctx, args)
