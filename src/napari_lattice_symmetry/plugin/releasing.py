"""What docks and their parts have to let go of when a dock is closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any, Protocol, TypeVar


class _Part(Protocol):
    def release(self) -> None: ...


Part = TypeVar("Part", bound=_Part)


class Releasing:
    """Lets go, when it is released, of what it listens to and of its parts, the last first."""

    @cached_property
    def _endings(self) -> ExitStack:
        return ExitStack()

    def listen(self, event: Any, react: Callable[..., object]) -> None:
        """Call `react` at each event of napari, or signal of Qt, until this is released."""
        event.connect(react)
        self._endings.callback(event.disconnect, react)

    def keep(self, part: Part) -> Part:
        """Return a part, which will be released with this."""
        self._endings.callback(part.release)
        return part

    def release(self) -> None:
        """Let go of the viewer: napari may keep a closed widget alive."""
        self._endings.close()
