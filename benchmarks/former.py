"""How fast the analysis is beside a former version of this project, its source given.

    git worktree add ../former 691d0f0
    python benchmarks/former.py ../former/src --write

prints the table; with ``--write`` it also goes to ``docs/former-speed.md``, beside those of other
processors, which ``former.json`` holds. Each version runs in processes of its own, which take
turns, on the same frame and by its own defaults. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from metrics import markdown_table
from speed import DOCS, SAMPLES, default_frame, machine

SOURCE = Path(__file__).parents[1] / "src"
KEPT = Path(__file__).with_name("former.json")
CHILD = """
import json, re, sys, time
from pathlib import Path
clock = time.perf_counter
start = clock()
import numpy as np
import napari_lattice_symmetry as nls
frame, repeats = np.load(sys.argv[1]), int(sys.argv[2])
times = []
for turn in range(1 + repeats):
    began, spent = start if turn == 0 else clock(), time.process_time()
    nls.analyze(frame, samples=int(sys.argv[3]))
    times.append((clock() - began, time.process_time() - spent))
# The resource module tells the greater one of this process and of whoever started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"first": times[0][0], "frames": times[1:], "memory": peak}))
"""


def run(source: Path, frame: Path, repeats: int) -> dict[str, float]:
    """Let a new process of a version analyze the frame; give times in s, and memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(frame), str(repeats), str(SAMPLES)],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    clock, processor = (median(times) for times in zip(*told["frames"], strict=True))
    return {
        "a frame": clock,
        "a frame, processor time": processor,
        "first frame in a new process, imports included": told["first"],
        "greatest memory": told["memory"],
    }


def measure(former: Path, turns: int, repeats: int) -> dict[str, list[dict[str, float]]]:
    """Let both versions take turns, after one untimed turn of each."""
    figures: dict[str, list[dict[str, float]]] = {"former": [], "now": []}
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.npy"
        np.save(frame, default_frame())
        for turn in range(1 + turns):
            for name, source in (("former", former), ("now", SOURCE)):
                told = run(source, frame, repeats)
                if turn:
                    figures[name].append(told)
    return figures


def rows(figures: dict[str, list[dict[str, float]]]) -> list[list[str]]:
    """Lay out medians of all turns, and of the ratios within a turn."""
    table = []
    for what in figures["now"][0]:
        form = "{:.0f} MB" if what == "greatest memory" else "{:.2f} s"
        former, now = ([told[what] for told in figures[name]] for name in ("former", "now"))
        ratio = median(a / b for a, b in zip(former, now, strict=True))
        table.append(
            [what, form.format(median(former)), form.format(median(now)), f"{ratio:.1f} times"]
        )
    return table


def page(kept: dict[str, dict[str, Any]]) -> str:
    """Lay out the tables of all processors."""
    tables = "\n".join(
        f"{name}; {told['turns']}, beside {told['former']}:\n\n"
        + markdown_table(["what", "former", "now", "better"], told["rows"])
        for name, told in sorted(kept.items())
    )
    return f"""# Beside a former version

Made by `benchmarks/former.py`. The former version asked the network alone; this one asks network
and fit for a verdict. Both `analyze` a frame of 512 x 512 px, 625 windows, {SAMPLES} samples, by
their own defaults, in new processes that take turns. Medians, the last that were measured on each
kind of processor.

{tables}"""


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("former", type=Path, help="folder src/ of the former version")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="frames of a turn, after the first")
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    commit = subprocess.run(
        ["git", "-C", str(options.former), "log", "-1", "--format=%h of %as"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout.strip()
    figures = measure(options.former.resolve(), options.turns, options.repeats)
    turns = f"{options.turns} turns of {options.repeats} frames"
    kept = json.loads(KEPT.read_text())
    kept[machine()] = {"former": commit, "turns": turns, "rows": rows(figures)}
    print(page(kept))
    if options.write:
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
        (DOCS / "former-speed.md").write_text(page(kept))


if __name__ == "__main__":
    main()
