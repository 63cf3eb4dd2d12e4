"""How long ten thousand windows take to embed, and how long nothing is heard meanwhile.

    python benchmarks/embedding.py --write

prints the table; with ``--write`` it also goes to ``docs/embedding-speed.md``. Time on the
processor is given beside that on the clock, since other work on the machine adds to the latter.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from metrics import markdown_table

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.structure.embedding import embed
from napari_lattice_symmetry.structure.parameters import MAX_EMBEDDED, NEIGHBORS

DOCS = Path(__file__).parents[1] / "docs"


def measure() -> str:
    """Embed the windows of a simulated movie by each method."""
    movie = simulate("growing-holes", frames=20, rho=0.2).movie
    model = load_model()
    settings = AnalysisParameters(window=96, stride=18, samples=5)
    result = analyze(movie, settings, model=model)
    rows = []
    for method in NEIGHBORS:
        for run in ("first", "again"):
            heard = [perf_counter()]
            start, cpu = perf_counter(), process_time()
            embedding = embed(
                movie,
                result,
                method,
                model=model,
                progress=lambda _done, _total, heard=heard: heard.append(perf_counter()),
            )
            seconds, cpu = perf_counter() - start, process_time() - cpu
            rows.append(
                [
                    f"{method}, {run}",
                    str(len(embedding.points)),
                    f"{seconds:.0f} s",
                    f"{cpu:.0f} s",
                    f"{np.diff(heard).max():.0f} s",
                ]
            )
    return markdown_table(["method", "windows", "clock", "processor", "longest without news"], rows)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/embedding-speed.md")
    load = os.getloadavg()[0]
    text = (
        "# Speed of embeddings\n\n"
        f"Made by `make bench-embedding` on {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, with {load:.0f} other processes at work. At most "
        f"{MAX_EMBEDDED} windows are embedded; the first run of a method also loads its "
        "library.\n\n"
        f"{measure()}\n"
    )
    print(text)
    if parser.parse_args().write:
        (DOCS / "embedding-speed.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
