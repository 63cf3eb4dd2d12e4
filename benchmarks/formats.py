"""What is read of real files of each format, or why it is refused.

    LATTICE_SYMMETRY_DATA=folder python benchmarks/formats.py --write

prints the table; with ``--write`` it also goes to ``docs/formats.md``. The files are not part of
this repository.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from metrics import markdown_table

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie, read_movies

if TYPE_CHECKING:
    from napari_lattice_symmetry.data.movie import Movie

DOCS = Path(__file__).parents[1] / "docs"
FOLDERS = ("formats", "images", "movies")
COLUMNS = [
    "file",
    "signal",
    "frames, y, x",
    "type",
    "pixel size (nm)",
    "frame time (s)",
    "calibration from",
]
MAX_SIGNALS = 3
FAMILIES = [
    [
        "electron microscopy",
        "dm3, dm4, emd (Velox and Berkeley), ser, emi, mrc (also named map), prz, img, asw, map",
        "RosettaSciIO (GPL-3.0): the extra `em`",
    ],
    [
        "HyperSpy, pycroscopy, NeXus, HDF5",
        "hspy, zspy, hf5, h5, hdf5, hdf, nxs",
        "h5py, zarr",
    ],
    [
        "scanning probe",
        "sxm, sm4, nid, top, stp, spm (ISO 28600), gwy, gsf",
        "readers of our own",
    ],
    [
        "scanning probe",
        "ibw, Z_mtrx and its like",
        "igor2 (LGPL-3.0), access2theMatrix: the extra `spm`",
    ],
    [
        "general",
        "tif, png, jpg, bmp, npy, npz, gif, OME-Zarr 0.4 and 0.5, folders of images",
        "tifffile, imageio, zarr",
    ],
    ["video", "mp4, avi, mov", "PyAV: the extra `video`"],
]
HEAD = f"""# File formats

Made by `make bench-formats`: what is read of real files of each format, and why some are refused.

{markdown_table(["family", "endings", "through"], FAMILIES)}
`pip install ".[em,spm,video]"` in a clone brings these three; without one, the sentence
that refuses a file names it. A JSON file of the same name beside an image may give its
`pixel_size` or `field_of_view` with their units (`pixel_size_units`, `field_of_view_units`).

"""
TAIL = """
## Made files

What has no real file above is tested with files that other libraries write: hspy, NeXus and
Berkeley EMD by RosettaSciIO; zspy, OME-Zarr 0.1 to 0.5 (also with labels, five axes or zipped) by
zarr; NSID and USID by h5py; BMP, CMYK JPEG, palettes and partly transparent GIF by Pillow; AVI, MOV
and odd frame sizes by PyAV; TIFF with tiles, LZW, Zstandard, JPEG 2000, BigTIFF, 1 and 12 bits by
tifffile. gsf, gwy, sxm, nid, SM4, top, ISO 28600, Igor waves (versions 2 and 5) and MRC (modes 0,
1, 2, 6 and 12, both byte orders, extended headers) are packed by the tests themselves. JEOL's asw
and map, and DigitalMicrograph in color, are not tested at all.

## What else a file says

The metadata of a layer in napari hold all that is known of its file: under `calibration_source`
where its pixel size and frame time come from, and under `original_metadata` the headers, tags and
attributes, by the names they have in the file. Of HDF5 and of HyperSpy's files these are all
attributes and datasets up to 64 kB, of TIFF all tags of the first page, of SM4 the page and the
settings of the instrument. Labels beside the images of an OME-Zarr become labels, in napari's own
colors where another program wrote them.

## What comes back of what is saved

A result that was exported as OME-Zarr, OME-TIFF or for ImageJ opens as the result again: all maps
bit for bit, parameters, provenance, phase fractions. Layers that were saved from napari come back
with their colors, contrast limits, visibility, place and units; layers of a result bring the whole
result with them. If another program changed the arrays or the calibration, the file opens as plain
images. ImageJ stores all channels of a mixed file as 32-bit floating point, and OME-TIFF knows
neither float16 nor whole numbers of 64 bits, which become others that hold the same values; types
are restored. Names of layers that no file system takes are changed in the folders of OME-Zarr, and
restored too. `make test-ome-zarr` reads an OME-Zarr with ome-zarr-py.

## Damaged and hostile files

Nothing is unpickled. A size that a header declares is compared with the file before memory is
taken. Links from generic HDF5 (h5, hf5, nxs) and Zarr into other files are not followed, values
in external files not read. Before any HDF5 file is opened (hspy and emd too), another process looks
into it, which is ended when the HDF5 library hangs or takes more than half a gigabyte; that takes
some 0.3 s, once for each file. The tests cut files of every format at 50 places and change bytes
in them ten times, 2,160 cases and 60 more for each real file.

## What is not read

Four-dimensional data, spectra and diffraction patterns are refused, as the table says; so are
complex values, colors for print in TIFF (CMYK), plates in OME-Zarr, 4-bit MRC (mode 101) and Igor
waves of one axis. Lengths of scanning probe files are taken from their headers; distortions of the
scan are not corrected. Bruker's NanoScope files, which are also named spm, have to be saved as gwy
or gsf by Gwyddion first, HDF4 converted to HDF5, and of the files that are named img or map only
those of JEOL and MRC are read. Of vendors' private TIFF tags, those of Gatan and FEI give pixel
sizes. Where OME-XML gives times plane by plane, their mean step is taken. Frame times of GIF and
video files are those at which they play, and of an animated PNG the first frame is read.
"""


def rows_of(path: Path) -> Iterator[list[str]]:
    """Give a row for each of the first signals in a file, and one for all that are refused."""
    try:
        movies = read_movies(path)
    except InputError as error:
        yield [path.name, f"refused: {_cell(error)}", *[""] * (len(COLUMNS) - 2)]
        return
    for number, movie in enumerate(movies[:MAX_SIGNALS]):
        yield ["" if number else path.name, *_facts(movie, alone=len(movies) == 1)]
    if len(movies) > MAX_SIGNALS:
        yield ["", f"and {len(movies) - MAX_SIGNALS} more", *[""] * (len(COLUMNS) - 2)]
    for dataset in _refused(path):
        yield ["", dataset, *[""] * (len(COLUMNS) - 2)]


def _facts(movie: Movie, *, alone: bool) -> list[str]:
    frame = movie.frame(len(movie) - 1)  # what cannot be read to the end counts as no success
    finite = "" if np.isfinite(frame).all() else " (with NaN)"
    sizes = dict.fromkeys(f"{size:.4g}" for size in movie.pixel_size)  # y by x, or one for both
    return [
        "" if alone else movie.name,
        ", ".join(map(str, movie.shape)),
        f"{movie.frames.dtype}{finite}",
        " by ".join(sizes) if movie.calibrated else "none",
        "none" if movie.frame_time is None else f"{movie.frame_time:.4g}",
        movie.calibration_source or "",
    ]


def _refused(path: Path) -> Iterator[str]:
    """Say what else the file holds, where something is read."""
    for dataset in list_datasets(path):
        try:
            read_movie(path, dataset=dataset, channel=0)
        except InputError as error:
            yield f"{dataset}: refused: {_cell(error)}"


def _cell(error: InputError) -> str:
    return str(error).replace("|", "\\|")


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/formats.md")
    options = parser.parse_args()
    data = Path(os.environ["LATTICE_SYMMETRY_DATA"])
    files = [file for folder in FOLDERS for file in sorted((data / folder).iterdir())]
    rows = [row for file in files if file.suffix != ".json" for row in rows_of(file)]
    text = f"{HEAD}## Real files\n\n{markdown_table(COLUMNS, rows)}{TAIL}"
    print(text)
    if options.write:
        (DOCS / "formats.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
