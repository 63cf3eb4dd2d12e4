"""Damaged files: each ends in one sentence or in a movie, soon, and without taking the memory.

They are read in processes of their own, which are ended when they hang and started anew.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
from damaged_files import (
    DAMAGED_PARTS,
    MADE,
    N_DAMAGED,
    PARTS,
    Reader,
    Report,
    bombs,
    damaged,
    make,
    pipes,
    sidecars,
)

from napari_lattice_symmetry.io.formats import OPENERS

SECONDS = 5  # of computing; a busy machine takes longer by the clock
BYTES = 1 << 30
TOLD = 4000  # bytes that libraries may write on standard error about one file
N_SIDECARS = 60

FOLDER = os.environ.get("LATTICE_SYMMETRY_DATA")
REAL = sorted(Path(FOLDER, "formats").iterdir()) if FOLDER else []

no_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")


def what_is_wrong(report):
    """Say what is wrong with how the reading of a file ended; nothing if all is well."""
    wrong = [
        report.ended not in ("read", "refused") and f"{report.ended}: {report.says}",
        report.seconds > SECONDS and f"it takes {report.seconds:.1f} s",
        report.grown > BYTES and f"it takes {report.grown:,} bytes",
        report.told > TOLD and f"it fills the screen with {report.told:,} bytes",
        report.ended == "refused" and not report.says and "it says nothing",
    ]
    return "; ".join(filter(None, wrong))


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """Two readers, for two cores."""
    pool = SimpleQueue()
    readers = [Reader(tmp_path_factory.mktemp("reader")) for _ in range(2)]
    for reader in readers:
        pool.put(reader)
    yield pool
    for reader in readers:
        reader.stop()


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Contents of whole files of all formats, to splice with."""
    frames = np.random.default_rng(0).integers(0, 255, (5, 24, 32), dtype=np.uint8)
    return [
        make(name, tmp_path_factory.mktemp("other"), frames).read_bytes() for name in sorted(MADE)
    ]


def check(readers, cases, folder):
    """Write each case and read it; see that all is well, and that they are as many as is said."""

    def try_case(numbered):
        number, case = numbered
        place = folder / str(number)
        place.mkdir()
        reader = readers.get()
        try:
            wrong = what_is_wrong(reader.read(case.write(place)))
        finally:
            readers.put(reader)
            shutil.rmtree(place)
        return f"{case.name}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(try_case, enumerate(cases)))
    assert not list(filter(None, ended))
    return len(ended)


def check_damaged(readers, opened, part, folder, others, *, step=1):
    cases = damaged(opened, part, part.stat().st_size, others)
    n_cases = len(range(0, N_DAMAGED, step))
    assert check(readers, islice(cases, 0, None, step), folder) == n_cases


@pytest.mark.slow
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_files(readers, tmp_path, others, path):
    """A third of the cases: made files of nearly every format go through all of them."""
    check_damaged(readers, path, path, tmp_path, others, step=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_made_files(readers, tmp_path, frames, others, name):
    (tmp_path / "whole").mkdir()
    path = make(name, tmp_path / "whole", frames)
    check_damaged(readers, path, path, tmp_path, others)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGED_PARTS, ids="/".join)
def test_parts_of_folders(readers, tmp_path, frames, others, damage):
    name, part = damage
    (tmp_path / "whole").mkdir()
    path = make(name, tmp_path / "whole", frames)
    check_damaged(readers, path, path / part, tmp_path, others)


@no_pipes
@pytest.mark.slow
def test_pipes(readers, tmp_path, frames):
    assert check(readers, pipes(frames), tmp_path) == len(OPENERS) + len(DAMAGED_PARTS)


@pytest.mark.slow
def test_bombs(readers, tmp_path, frames):
    assert check(readers, bombs(frames), tmp_path) == 7


@no_pipes
@pytest.mark.slow
def test_sidecars(readers, tmp_path):
    assert check(readers, sidecars(0, N_SIDECARS), tmp_path) > N_SIDECARS


def test_there_are_enough_cases():
    """Of made files alone, as real ones are not everywhere; each does all its cases."""
    n_others = len(OPENERS) + len(DAMAGED_PARTS) + N_SIDECARS
    assert (len(MADE) + len(DAMAGED_PARTS)) * N_DAMAGED + n_others >= 2000


def test_every_reader_is_among_them(shared_data):
    suffixes = {path.suffix.lower() for path in (*map(Path, (*MADE, *PARTS)), *REAL)}
    readers = {reader for suffix, reader in OPENERS.items() if suffix in suffixes}
    assert readers == set(OPENERS.values())


def test_the_check_sees_what_is_wrong(tmp_path):
    """Else all the others could not fail."""
    reader = Reader(tmp_path)
    assert reader.read(tmp_path / "absent.npy", hanging=0.01) == Report("hung")  # not even begun
    good = reader.read(tmp_path / "absent.npy")
    assert good.ended == "refused"
    assert not what_is_wrong(good)
    for bad in (
        Report("hung"),
        Report("crashed", "-11"),
        Report("not an InputError", "KeyError"),
        replace(good, says=""),
        replace(good, seconds=SECONDS + 1),
        replace(good, grown=BYTES + 1),
        replace(good, told=TOLD + 1),
    ):
        assert what_is_wrong(bad)
    reader.stop()
