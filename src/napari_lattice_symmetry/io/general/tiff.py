"""TIFF, ImageJ and OME-TIFF stacks."""

from __future__ import annotations

import math
import struct
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm, seconds
from napari_lattice_symmetry.io.stack import Files, Stack

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

SUFFIXES = (".tif", ".tiff")
_CMYK = 5
_BOUNDED = (1, 5, 8, 32773, 32946)  # none, LZW, Deflate, PackBits: others pack without a bound
_PRINTED = "holds colors for print (CMYK); save it in gray or as RGB."
_PLACES = ("StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts")
_THUMBNAIL = 2  # how many times smaller it is at least
_MAX_TAG = 1 << 20
_GATAN = (65009, 65010, 65003, 65004)  # scale along x and y, and their units
_GATAN_TIME = (65011, 65005)


def open_tiff(path: Path, files: Files) -> dict[str, Stack]:
    """List the series of a TIFF file, thumbnails left out."""
    import tifffile

    try:
        tif = files.enter_context(tifffile.TiffFile(path))
        if len(tif.series) > 1 and tif.is_shaped:
            # Frames that tifffile wrote one by one are a series each, unless it forgets its notes.
            tif = files.enter_context(tifffile.TiffFile(path, is_shaped=False))
    except tifffile.TiffFileError as error:
        raise InputError(f"{path.name} is not a TIFF file, or a damaged one.") from error
    _check_pages(path, tif)
    stacks = {}
    for number, series in enumerate(tif.series):
        if series.keyframe.is_reduced:
            continue
        facts = calibration_of(tif, number)
        if series.keyframe.photometric == _CMYK:
            facts["refusal"] = _PRINTED
        name = series.name or str(number)
        stacks[f"{name} {number}" if name in stacks else name] = Stack(
            _Series(series),
            axes=axes_of(series),
            metadata=metadata_of(tif),
            stored=_stored(path, series) if series.keyframe.compression in _BOUNDED else None,
            compressed=_is_packed(series.keyframe),
            **facts,
        )
    return _without_thumbnails(stacks)


def _without_thumbnails(stacks: dict[str, Stack]) -> dict[str, Stack]:
    """Leave out small copies of the largest image or movie, also where they are not called so."""
    shapes = [stack.frame_shape for stack in stacks.values() if not stack.refusal]
    height, width = max(shapes, key=math.prod, default=(0, 0))

    def is_small_copy(stack: Stack) -> bool:
        y, x = stack.frame_shape
        alike = abs(y * width - x * height) <= max(height, width)
        return stack.length("TZC") == 1 and _THUMBNAIL * y <= height and alike

    return {
        name: stack for name, stack in stacks.items() if stack.refusal or not is_small_copy(stack)
    }


class _Series:
    """A series as an array: whole by tifffile itself, in parts by its Zarr view."""

    def __init__(self, series: TiffPageSeries) -> None:
        self._series = series
        self.shape, self.dtype = series.shape, series.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        whole: NDArray[Any] = self._series.asarray() if index is ... else self._parts[index]
        return whole

    @cached_property
    def _parts(self) -> Any:
        import zarr

        return zarr.open_array(self._series.aszarr(level=0), mode="r")


def _check_pages(path: Path, tif: TiffFile) -> None:
    """Follow the chain of pages to its end: of a cut file tifffile gives the pages left."""
    if not len(tif.pages):
        raise InputError(f"{path.name} is damaged or truncated: it has no image.")
    end = tif.filehandle
    end.seek(tif.pages.next_page_offset or 0)
    pointer = end.read(tif.tiff.offsetsize)
    if len(pointer) < tif.tiff.offsetsize or struct.unpack(tif.tiff.offsetformat, pointer)[0]:
        raise InputError(
            f"{path.name} is damaged or truncated: it breaks off after page {len(tif.pages)}."
        )


def _stored(path: Path, series: TiffPageSeries) -> int:
    """Count the bytes of pixels that the pages point to and the file has."""
    if series.dataoffset is not None:
        return int(series.keyframe.parent.filehandle.size - series.dataoffset)
    stored = 0
    for page in series.pages:
        if page is None:
            raise InputError(f"{path.name} is incomplete: some of its frames are missing.")
        size = page.parent.filehandle.size
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            if offset + count > size:
                raise InputError(
                    f"{path.name} is damaged or truncated: its pixels lie beyond its end."
                )
            stored += count
    return stored


def _is_packed(page: Any) -> bool:
    """Return whether pixels are compressed, or have fewer bits than they get in memory."""
    return bool(page.compression != 1 or page.bitspersample < 8 * page.dtype.itemsize)


def axes_of(series: TiffPageSeries | TiffPage) -> str:
    """Return the axes in the letters of a Stack: a sequence is frames, many samples channels."""
    axes: str = series.axes.replace("I", "T")
    many = "S" in axes and series.shape[axes.index("S")] > 4
    return axes.replace("S", "C") if many else axes


def calibration_of(tif: TiffFile, number: int) -> dict[str, Any]:
    """Read calibration and channel names; a resolution in dots an inch is none.

    What is calibrated in reciprocal lengths is refused.
    """
    if tif.is_ome:
        return _ome_calibration(str(tif.ome_metadata), number)
    if tif.is_imagej:
        return _imagej_calibration(tif)
    return _vendor_calibration(tif)


def _imagej_calibration(tif: TiffFile) -> dict[str, Any]:
    facts, tags = tif.imagej_metadata or {}, tif.pages.first.tags
    y, x = (
        count / pixels if pixels else 0.0
        for pixels, count in (tags.valueof(f"{axis}Resolution", (0, 1)) for axis in "YX")
    )
    names, unit = facts.get("Labels") or [], str(facts.get("unit", ""))
    return {
        "channels": tuple(names[: int(facts.get("channels", 0))]),
        "pixel_size": pixel_size_nm(y, x, unit),
        "refusal": refusals.diffraction(unit),
        "calibration_source": "resolution and unit of the ImageJ file",
        "frame_time": seconds(float(facts.get("finterval", 0)), str(facts.get("tunit", "s"))),
    }


def _vendor_calibration(tif: TiffFile) -> dict[str, Any]:
    """Read the pixel size from the tags of Gatan's and FEI's programs."""
    tags = tif.pages.first.tags
    x, y, unit_x, unit_y = (tags.valueof(code) for code in _GATAN)
    if x and y:
        step, unit = _GATAN_TIME
        return {
            "pixel_size": pixel_size_nm(float(y), float(x), str(unit_y), str(unit_x)),
            "calibration_source": "Gatan's tags of the TIFF file",
            "frame_time": seconds(float(tags.valueof(step, 0)), str(tags.valueof(unit, ""))),
            "refusal": refusals.diffraction(str(unit_y), str(unit_x)),
        }
    scan = (tif.fei_metadata or {}).get("Scan", {}) if tif.is_fei else {}
    if "PixelWidth" in scan and "PixelHeight" in scan:
        size = pixel_size_nm(float(scan["PixelHeight"]), float(scan["PixelWidth"]), "m")
        return {"pixel_size": size, "calibration_source": "FEI's tag of the TIFF file"}
    return {}


def _ome_calibration(xml: str, number: int) -> dict[str, Any]:
    images = ElementTree.fromstring(xml).findall("{*}Image/{*}Pixels")
    if number >= len(images):
        return {}
    pixels = images[number]
    (y, unit_y), (x, unit_x) = (
        (float(pixels.get(f"PhysicalSize{axis}", 0)), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        for axis in "YX"
    )
    channels = pixels.findall("{*}Channel")
    return {
        "pixel_size": pixel_size_nm(y, x, unit_y, unit_x),
        "calibration_source": "PhysicalSize in the OME-XML",
        "refusal": refusals.diffraction(unit_y, unit_x),
        "frame_time": _ome_frame_time(pixels),
        "channels": tuple(node.get("Name") or str(i) for i, node in enumerate(channels)),
    }


def _ome_frame_time(pixels: ElementTree.Element) -> float | None:
    """Read the time from frame to frame, or take the mean of what was measured plane by plane."""
    step = pixels.get("TimeIncrement")
    if step is not None:
        return seconds(float(step), pixels.get("TimeIncrementUnit", "s"))
    planes = [plane for plane in pixels.findall("{*}Plane") if plane.get("DeltaT") is not None]
    times = {int(plane.get("TheT", 0)): plane for plane in reversed(planes)}  # the first of each
    if len(times) < 2:
        return None
    first, last = min(times), max(times)
    start, end = (float(times[index].get("DeltaT", 0)) for index in (first, last))
    return seconds((end - start) / (last - first), times[first].get("DeltaTUnit", "s"))


def metadata_of(tif: TiffFile) -> dict[str, Any]:
    """Collect the tags of the first page, and what ImageJ adds."""
    tags = (tag for tag in tif.pages.first.tags.values() if tag.valuebytecount <= _MAX_TAG)
    facts = {tag.name: tag.value for tag in tags if tag.name not in _PLACES}
    return facts | {"imagej": tif.imagej_metadata} if tif.is_imagej else facts
