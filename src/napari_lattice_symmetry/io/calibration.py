"""Lengths to nanometers and times to seconds, however files spell their units."""

from __future__ import annotations

import math
import re
import unicodedata

_NANOMETERS = {
    "m": 1e9,
    "mm": 1e6,
    "um": 1e3,
    "nm": 1.0,
    "a": 0.1,
    "pm": 1e-3,
    "meter": 1e9,
    "millimeter": 1e6,
    "micrometer": 1e3,
    "micron": 1e3,
    "nanometer": 1.0,
    "angstrom": 0.1,
    "picometer": 1e-3,
}
# In nm. What lies beyond is a placeholder, a damaged header, or no length.
_MIN_PIXEL, _MAX_PIXEL = 1e-4, 1e5
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_SECONDS = {
    "h": 3600.0,
    "min": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "hour": 3600.0,
    "minute": 60.0,
    "sec": 1.0,
    "second": 1.0,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "microsecond": 1e-6,
}


def pixel_size_nm(
    y: float, x: float, unit: str | None, unit_x: str | None = None
) -> tuple[float, float] | None:
    """Return a pixel size in nanometers.

    Parameters
    ----------
    y, x : float
        Size along y and x; a sign (a scan that runs backwards) is dropped, and where one is 0,
        because the file leaves it out, the other is taken for both.
    unit : str, optional
        Unit of `y`, and of `x` where `unit_x` is not given. Centimeters and inches are no
        units of a micrograph: they come from print resolutions, which are not calibrations.

    Returns
    -------
    (float, float) or None
        Size along y and x, None if the unit is not a length or a size is not finite.
    """
    along_y, along_x = (y, unit), (x, unit_x or unit)
    size_y = _convert(*(along_y if y else along_x), _NANOMETERS)
    size_x = _convert(*(along_x if x else along_y), _NANOMETERS)
    return None if size_y is None or size_x is None else (size_y, size_x)


def is_plausible(pixel_size: tuple[float, float]) -> bool:
    """Return whether a microscope has such pixels: from 0.1 pm to 0.1 mm."""
    return all(_MIN_PIXEL <= size <= _MAX_PIXEL for size in pixel_size)


def seconds(time: float, unit: str | None = "s") -> float | None:
    """Return a time in seconds, None if its unit is not a time or it is 0 or not finite."""
    return _convert(time, unit, _SECONDS)


def is_reciprocal(unit: str | None) -> bool:
    """Return whether a unit is that of a diffraction pattern: '1/nm', 'A^-1', 'mrad'."""
    plain = _plain(unit or "").replace(" ", "").strip("[]()")
    return "1/" in plain or plain.endswith("-1") or plain in ("mrad", "rad")


def is_time(unit: str | None) -> bool:
    """Return whether a unit is that of a time."""
    return _plain(unit or "") in _SECONDS


def is_length(unit: str | None) -> bool:
    """Return whether a unit is a length that images are calibrated in."""
    return _plain(unit or "") in _NANOMETERS


def quantity(text: str) -> tuple[float, str]:
    """Split '11.5 nm' into a number and a unit.

    Raises
    ------
    ValueError
        If it does not begin with a number.
    """
    number = _NUMBER.match(text.strip())
    if number is None:
        raise ValueError(f"{text!r} does not begin with a number")
    return float(number[0]), text.strip()[number.end() :].strip()


def _convert(value: float, unit: str | None, factors: dict[str, float]) -> float | None:
    factor = factors.get(_plain(unit or ""))
    size = abs(value) * factor if factor else math.nan
    return size if math.isfinite(size) and size > 0 else None


def _plain(unit: str) -> str:
    """Spell a unit in one way: 'n_m', 'Nanometers' and ' nm' are nm, nanometer, nm."""
    # ImageJ writes characters beyond ASCII as \u00B5; NFKC unites both micro signs and both Å.
    text = unit.replace("\\u00B5", "µ").replace("\\u00C5", "Å").replace("_", "").strip()
    text = unicodedata.normalize("NFKC", text).casefold().replace("μ", "u").replace("å", "a")
    text = text.replace("metre", "meter").replace("ö", "o").replace("\N{MINUS SIGN}", "-")
    return text.removesuffix("s") if len(text) > 3 else text
