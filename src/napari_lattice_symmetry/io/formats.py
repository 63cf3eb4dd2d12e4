"""Which file is opened by what: by the ending of its name."""

from __future__ import annotations

from napari_lattice_symmetry.io.electron import blockfile, hyperspy, rosettasciio
from napari_lattice_symmetry.io.general import hdf5, images, numpy_files, tiff, video, zarr_files
from napari_lattice_symmetry.io.probe import (
    gwyddion,
    igor,
    iso28600,
    matrix,
    nanonis,
    nanosurf,
    rhk,
    wsxm,
)
from napari_lattice_symmetry.io.stack import Opener

OPENERS: dict[str, Opener] = {
    **dict.fromkeys(tiff.SUFFIXES, tiff.open_tiff),
    **dict.fromkeys(images.SUFFIXES, images.open_image),
    **dict.fromkeys(video.SUFFIXES, video.open_video),
    ".npy": numpy_files.open_npy,
    ".npz": numpy_files.open_npz,
    **dict.fromkeys(zarr_files.SUFFIXES, zarr_files.open_ome_zarr),
    **dict.fromkeys(hdf5.SUFFIXES, hdf5.open_hdf5),
    **dict.fromkeys(hyperspy.SUFFIXES, hyperspy.open_hyperspy),
    **dict.fromkeys(rosettasciio.SUFFIXES, rosettasciio.open_electron),
    **dict.fromkeys(blockfile.SUFFIXES, blockfile.open_blo),
    **dict.fromkeys(nanonis.SUFFIXES, nanonis.open_sxm),
    **dict.fromkeys(matrix.SUFFIXES, matrix.open_matrix),
    **dict.fromkeys(igor.SUFFIXES, igor.open_ibw),
    **dict.fromkeys(gwyddion.SUFFIXES, gwyddion.open_gwyddion),
    **dict.fromkeys(rhk.SUFFIXES, rhk.open_sm4),
    **dict.fromkeys(nanosurf.SUFFIXES, nanosurf.open_nid),
    **dict.fromkeys(wsxm.SUFFIXES, wsxm.open_wsxm),
    **dict.fromkeys(iso28600.SUFFIXES, iso28600.open_iso28600),
}
