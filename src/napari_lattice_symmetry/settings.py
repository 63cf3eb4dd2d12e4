"""What settings say of themselves, so that forms, commands and saved results need not be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_lattice_symmetry.errors import InputError

Settings = TypeVar("Settings", bound=BaseModel)

ADVANCED = "Advanced"
"""Group of what most people leave as it is."""


class SettingsModel(BaseModel):
    """Settings that stay as they are made; unknown ones are refused.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


def setting(
    default: Any,
    title: str,
    description: str,
    *,
    group: str = "",
    step: float | None = None,
    decimals: int | None = None,
    unit: str = "",
    choices: Sequence[str] = (),
    files: str = "",
    none: str = "",
    slider: bool = False,
    log: bool = False,
    of_one_image: bool = False,
    **limits: Any,
) -> Any:
    """Return the field of a model of settings.

    Parameters
    ----------
    default : object
        Its value where none is given.
    title, description : str
        Its name on the screen, and a sentence or two for a tooltip.
    group : str, optional
        Under which heading a form shows it; the basic ones have none.
    step : float, optional
        From one number to the next.
    decimals : int, optional
        How many a form shows; as the step has them if not given.
    unit : str, optional
        What a form shows behind a number.
    choices : sequence of str, optional
        Texts to choose from.
    files : str, optional
        Which files may be chosen instead, such as "Keras networks (*.keras)".
    none : str, optional
        What a form shows for None.
    slider, log : bool, optional
        Whether a number has a slider, and whether equal ways of that are equal factors.
    of_one_image : bool, optional
        Whether it is true of one image alone, so that no form remembers it.
    **limits
        ``ge``, ``gt``, ``le``, ``lt`` as pydantic has them.
    """
    shown = {
        "group": group,
        "step": step,
        "decimals": decimals,
        "unit": unit,
        "choices": list(choices),
        "files": files,
        "none": none,
        "slider": slider,
        "log": log,
        "of_one_image": of_one_image,
    }
    extra: Any = {key: value for key, value in shown.items() if value}
    return Field(
        default, title=title, description=description, json_schema_extra=extra or None, **limits
    )


def parse_settings(model: type[Settings], **given: Any) -> Settings:
    """Return settings that a person gave or a file holds as their model.

    Raises
    ------
    InputError
        If a setting is unknown, of the wrong type or out of its range; one sentence names
        every such setting.
    """
    try:
        return model(**given)
    except ValidationError as error:
        faults = (
            f"{fault['loc'][0]}={fault['input']!r}: {fault['msg'].lower()}"
            if fault["loc"]  # else settings do not go together
            else fault["msg"].removeprefix("Value error, ")
            for fault in error.errors()
        )
        raise InputError(f"Wrong settings: {'; '.join(faults)}.") from error
