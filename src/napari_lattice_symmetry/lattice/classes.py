"""The six answers, their label values and their colours: the one place for all three."""

from __future__ import annotations

CLASSES: tuple[str, ...] = (
    "square",
    "rectangular",
    "centered rectangular",
    "hexagonal",
    "oblique",
    "noise",
)
"""Class names; the class at index ``i`` has the label value ``i + 1``."""

NOT_ANALYSED = 0
"""Label value of a window that was not classified."""

LABELS: dict[str, int] = {name: value for value, name in enumerate(CLASSES, start=1)}

# Okabe and Ito's colour-blind-safe set; noise is grey so that crystals stand out.
COLOURS: dict[str, str] = {
    "square": "#0072B2",
    "rectangular": "#56B4E9",
    "centered rectangular": "#009E73",
    "hexagonal": "#E69F00",
    "oblique": "#CC79A7",
    "noise": "#999999",
}
