"""Frames spread over the workers of a Dask cluster.

Here the cluster is one worker on this machine; `scheduler` also takes the address of one that
runs elsewhere, such as "tcp://scheduler:8786". The numbers are those of one process.
"""

import sys
from pathlib import Path

from distributed import LocalCluster
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

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

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    colors = ListedColormap(["white", *nls.COLORS.values()])
    for axes, classes, time in zip(
        figure.subplots(1, len(result.times)), result.labels, result.times, strict=True
    ):
        axes.imshow(classes, cmap=colors, vmin=0, vmax=len(nls.CLASSES))
        axes.set(title=f"{time:.0f} s", xticks=[], yticks=[])
    figure.savefig(folder / "cluster.png", dpi=100)
