"""What is kept between sessions: what forms were set to, and how fast the last run was."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel, ValidationError
from qtpy.QtCore import QSettings

_DAY = 86_400.0  # no loading and no window takes that long


def stored(name: str) -> QSettings:
    """Return what is kept under a name, in a file of the user's."""
    scope = QSettings.Scope.UserScope
    return QSettings(QSettings.Format.IniFormat, scope, "napari-lattice-symmetry", name)


def recall_seconds(key: str) -> float | None:
    """Return a time that was measured; None if there is none, or nothing of ours."""
    try:
        seconds = float(stored("speed").value(key))
    except (TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < _DAY else None  # which NaN is not


def remember(form: str, settings: BaseModel, names: Collection[str]) -> None:
    """Keep some settings of a form."""
    stored("forms").setValue(form, settings.model_dump_json(include=set(names)))


def recall(form: str, model: type[BaseModel], names: Collection[str]) -> dict[str, Any]:
    """Return which of its settings were kept of a form; none if they are wrong by now."""
    try:
        found = json.loads(str(stored("forms").value(form)))
        settings = model.model_validate({name: found[name] for name in names if name in found})
    except (TypeError, ValidationError, json.JSONDecodeError):
        return {}
    return {name: getattr(settings, name) for name in settings.model_fields_set}


def forget(form: str) -> None:
    """Keep nothing of a form any more."""
    stored("forms").remove(form)
