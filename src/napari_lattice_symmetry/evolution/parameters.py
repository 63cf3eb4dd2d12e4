"""All that a fit of growth laws can be told, once."""

from __future__ import annotations

from napari_lattice_symmetry.evolution.curves import BRIGHTNESS, HOLES
from napari_lattice_symmetry.evolution.laws import LAWS
from napari_lattice_symmetry.lattice import CLASSES
from napari_lattice_symmetry.settings import SettingsModel, setting

CLASS_CURVES: dict[str, tuple[str, bool]] = {
    title.format(name): (name, areas)
    for title, areas in (("P({})", False), ("{}, area", True))
    for name in reversed(CLASSES)
}
"""Curves of classes by their titles: which class, and whether its area or its probability."""


class KineticsParameters(SettingsModel):
    """What is fitted, from when on, and by which law."""

    curve: str = setting(
        HOLES,
        "Curve",
        "What grows. 'By windows': the area without a lattice. 'By brightness': what is darker "
        "than the threshold in the tab Evolution. Or one of the six classes.",
        choices=(HOLES, BRIGHTNESS, *CLASS_CURVES),
        of_one_image=True,
    )
    after: float = setting(
        0.0,
        "After",
        "When growth begins: it is fitted after this time, above the level C that the curve has "
        "before. Drag the line in the figure, or set it here.",
        step=1.0,
        decimals=2,
        of_one_image=True,
    )
    law: str = setting(
        LAWS[0].name,
        "Law",
        "The law that is drawn; the lower its AICc, the better it fits.\n"
        + "\n".join(f"{law.name}: {law.formula}" for law in LAWS),
        choices=[law.name for law in LAWS],
    )


class BeamParameters(SettingsModel):
    """What the beam hits, and how fast it is."""

    formula: str = setting("WS2", "Beam on", "Chemical formula, such as WS2 or Mo0.1W0.9S2.")
    voltage: float = setting(
        100.0,
        "Voltage",
        "Acceleration voltage of the microscope.",
        unit=" kV",
        step=1.0,
        ge=1,
        le=3000,
    )


class BrightnessParameters(SettingsModel):
    """Whether holes are also counted by their brightness, and what counts as one."""

    shown: bool = setting(
        False,
        "Brightness",
        "Count the pixels that are darker than a threshold, once the lattice is smoothed away: a "
        "check on the network.",
    )
    threshold: float | None = setting(
        None,
        "Below",
        "Gray value below which a pixel counts; Otsu's threshold if not given.",
        none="Otsu",
        step=1.0,
        of_one_image=True,
    )
    bright: bool = setting(
        False, "Bright", "Holes are brighter than the film, as in a bright-field image."
    )
