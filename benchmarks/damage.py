"""Damage files in many ways, read them, and count crashes, hangs and what takes the memory.

Each file is read in a process that is ended when it hangs: its first and last frame, and what was
saved with it. It has to end as a movie or in one sentence.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from metrics import markdown_table
from speed import machine

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from damaged_files import (  # noqa: E402
    DAMAGED_PARTS,
    MADE,
    Case,
    Reader,
    Report,
    bombs,
    damaged,
    make,
    pipes,
    sidecars,
)

HEADING = "## Damaged files"
HANG, BYTES, N_SIDECARS = 10, 1 << 30, 200
FRAMES = np.random.default_rng(0).integers(0, 255, (5, 24, 32), dtype=np.uint8)


def draw(folder: Path, n_files: int, seed: int) -> list[Case]:
    """Draw damaged files: all pipes, bombs and sidecars, and others from all formats alike."""
    whole = {name: make(name, folder, FRAMES) for name in (*MADE, *{n for n, _ in DAMAGED_PARTS})}
    targets = [(whole[name], whole[name]) for name in MADE]
    targets += [(whole[name], whole[name] / part) for name, part in DAMAGED_PARTS]
    others = [whole[name].read_bytes() for name in MADE]
    drawn = [*pipes(FRAMES), *bombs(FRAMES), *sidecars(seed, N_SIDECARS)]
    more: list[Case] = []
    for turn in count(1):
        for opened, part in targets:
            more += damaged(opened, part, seed + turn, others)
        if len(drawn) + len(more) >= n_files:
            break
    chosen = np.random.default_rng(seed).permutation(len(more))[: n_files - len(drawn)]
    return [*drawn, *(more[index] for index in chosen)]


def read_all(cases: list[Case], folder: Path, n_readers: int) -> list[Report]:
    """Write and read each case, several side by side."""
    pool: SimpleQueue[Reader] = SimpleQueue()
    readers = []
    for number in range(n_readers):
        (folder / f"reader {number}").mkdir()
        readers.append(Reader(folder / f"reader {number}"))
        pool.put(readers[-1])

    def read(numbered: tuple[int, Case]) -> Report:
        number, case = numbered
        place = folder / str(number)
        place.mkdir()
        reader = pool.get()
        try:
            report = reader.read(case.write(place))
        finally:
            pool.put(reader)
            shutil.rmtree(place)
        if number % 100 == 0:
            print(f"{number} of {len(cases)}", file=sys.stderr)
        if report.ended not in ("read", "refused") or report.grown > BYTES:
            print(f"{case.kind}: {case.name}: {report}", file=sys.stderr)
        return report

    with ThreadPoolExecutor(n_readers) as threads:
        reports = list(threads.map(read, enumerate(cases)))
    for reader in readers:
        reader.stop()
    return reports


def row(kind: str, reports: list[Report]) -> list[str]:
    """Count how files of a kind ended."""
    ended = [report.ended for report in reports]
    crashed = len(ended) - sum(ended.count(word) for word in ("read", "refused", "hung"))
    hung = ended.count("hung") + sum(report.seconds > HANG for report in reports)
    large = sum(report.grown > BYTES for report in reports)
    seconds = max(report.seconds for report in reports)
    counts = [len(ended), ended.count("read"), ended.count("refused"), crashed, hung, large]
    grown = max(report.grown for report in reports) >> 20
    return [kind, *map(str, counts), f"{seconds:.1f} s", f"{grown} MiB"]


def main() -> None:
    """Damage and read files, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=3000, help="number of damaged files")
    parser.add_argument("--seed", type=int, default=1, help="of where they are damaged")
    parser.add_argument("--at-once", type=int, default=2, help="processes side by side")
    parser.add_argument("--write", action="store_true", help="write a part of docs/faults.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "whole").mkdir()
        cases = draw(Path(place) / "whole", options.files, options.seed)
        reports = read_all(cases, Path(place), options.at_once)
    kinds: dict[str, list[Report]] = defaultdict(list)
    for case, report in zip(cases, reports, strict=True):
        kinds[case.kind].append(report)
    rows = [row(kind, of_kind) for kind, of_kind in kinds.items()]
    rows.append(row("**all**", reports))
    columns = ["Damage", "files", "a movie", "a sentence", "crashes", "hangs", "over 1 GiB"]
    table = markdown_table([*columns, "longest", "most memory"], rows)
    print(table)
    if options.write:
        page = ROOT / "docs" / "faults.md"
        before = page.read_text().partition(HEADING)[0].rstrip()
        made = f"benchmarks/damage.py --files {options.files} --seed {options.seed} --write"
        text = f"""{before}

{HEADING}

Made by `python {made}` on: {machine()}.

Files of {len(MADE)} formats and {len(DAMAGED_PARTS)} files in folders are cut off, changed in up
to 256 bytes, and spliced with files of other formats; pipes stand in their places, chunks unpack
into a gigabyte, and JSON of any content lies beside an image. Each is opened, and its first and
last frame read, in a process that may take what it wants; it has to end as a movie or in one
sentence. Seconds are those of computing: more than {HANG} count as a hang, as does a minute by the
clock. Memory is what the process grew by.

{table}
"""
        page.write_text(text)


if __name__ == "__main__":
    main()
