"""Frames spread over the workers of a Dask cluster.

Here the cluster is one worker on this machine; `scheduler` also takes the address of one that
runs elsewhere, such as "tcp://scheduler:8786". The numbers are those of one process.
"""

import sys
from pathlib import Path

from distributed import LocalCluster

import napari_lattice_symmetry as nls

if __name__ == "__main__":  # workers that are started anew import this file
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    movie = nls.simulate("square-to-hexagonal", frames=4).movie
    settings = nls.AnalysisParameters(window=128, stride=32, samples=20)
    output = folder / "cluster.zarr"
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs="ERROR"
    ) as cluster:
        result = nls.analyze(movie, settings, output=output, overwrite=True, scheduler=cluster)
    print(result.fractions.round(3))
