"""What `make bench` measured, run after run: kept in ``history.json``, drawn in the documentation.

    python benchmarks/history.py

draws the page from what is kept, without measuring.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from metrics import markdown_table

HISTORY = Path(__file__).with_name("history.json")
DOCS = Path(__file__).parents[1] / "docs"


def append(date: str, version: str, machine: str, figures: dict[str, str]) -> None:
    """Keep a run's figures, each with its unit as in the table, and draw the page."""
    runs = json.loads(HISTORY.read_text(encoding="utf-8"))
    runs.append({"date": date, "version": version, "machine": machine, "figures": figures})
    HISTORY.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    write()


def number(text: str) -> float:
    """Read the number of "34,189" or "0.371 s"."""
    return float(text.split(maxsplit=1)[0].rstrip("%").replace(",", ""))


def write() -> None:
    """Draw all runs, and list them."""
    runs = json.loads(HISTORY.read_text(encoding="utf-8"))
    names = list(runs[-1]["figures"])
    rows = -(-len(names) // 2)
    picture = Figure(figsize=(9, 1.7 * rows), layout="constrained")
    for ax, name in zip(picture.subplots(rows, 2, sharex=True).flat, names, strict=False):
        values = [number(run["figures"].get(name, "nan")) for run in runs]
        ax.plot(values, "o-", markersize=4)
        unit = runs[-1]["figures"][name].lstrip("0123456789.,") or "1"
        ax.set_title(f"{name.replace('`', '')} [{unit.strip()}]", fontsize=8)
        ax.set_ylim(0, 1.15 * np.nanmax(values))
        ax.set_xticks(range(len(runs)), range(1, len(runs) + 1))
        ax.tick_params(labelsize=7)
    picture.supxlabel("run", fontsize=8)
    picture.savefig(DOCS / "images" / "speed-history.png", dpi=110)
    header = ["", *(f"{i}: {run['date']}" for i, run in enumerate(runs, 1))]
    table = [[name, *(run["figures"].get(name, "") for run in runs)] for name in names]
    machines = "\n".join(
        f"{i}. {run['version']}, {run['machine']}" for i, run in enumerate(runs, 1)
    )
    (DOCS / "speed-history.md").write_text(
        f"""# Speed over time

`make bench` adds a run to `benchmarks/history.json` and draws this page. Machines differ and are
shared, and times with them: a step of all figures at once is the machine's, a step of one is the
code's. What each figure is and should be says [Performance](performance.md).

![Each figure of the benchmark over the runs](images/speed-history.png)

{markdown_table(header, table)}
Runs, by version and machine:

{machines}
""",
        encoding="utf-8",
    )


if __name__ == "__main__":
    write()
