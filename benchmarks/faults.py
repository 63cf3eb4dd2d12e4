"""What faults of a cluster, and kills at random moments, leave of a run: its result, or a sentence.

    python benchmarks/faults.py --kills 50 --write

prints tables; with ``--write`` they also go to ``docs/faults.md``. A stand-in for the network makes
runs short; all else is the command as it is. Runs have clusters of their own on this machine, with
a ``worker-ttl`` of 20 s. After each, the result must be that of an undisturbed run, or the command
must have ended with one sentence and a status; a traceback, a hang or other numbers are a failure.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from metrics import markdown_table
from speed import machine

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.files import remove
from napari_lattice_symmetry.results import load_result

ROOT = Path(__file__).parents[1]
N_FRAMES, WORKER_TTL, LIMIT = 24, 20, 240
SETTINGS = ("--window", "32", "--stride", "8", "--samples", "3", "--no-plots")
STAND_IN = [sys.executable, ROOT / "tests" / "helpers" / "run_stand_in.py"]
DASK = [sys.executable, "-m", "dask"]
OTHER_VERSION = "9.9.9"


@dataclass
class Run:
    """A run of the command in a folder, and the cluster it works on.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the movie.
    seconds : float
        What the stand-in takes for a frame.
    """

    folder: Path
    seconds: float = 0.5
    processes: ExitStack = field(default_factory=ExitStack)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    scheduler: subprocess.Popen[bytes] | None = None
    address: str = ""
    command: subprocess.Popen[bytes] | None = None

    def start(self, arguments: list[str | Path], **variables: str) -> subprocess.Popen[bytes]:
        """Start a process that ends with this."""
        paths = [str(ROOT / "tests" / "helpers"), str(ROOT / "src")]
        if "BEFORE" in variables:
            paths.insert(0, variables.pop("BEFORE"))
        started = subprocess.Popen(
            arguments,
            cwd=self.folder,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(paths),
                "STAND_IN_SECONDS": str(self.seconds),
                "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{WORKER_TTL}s",
            }
            | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if "dask" in arguments else subprocess.PIPE,
        )
        self.processes.callback(started.wait)
        self.processes.callback(started.kill)
        return started

    def start_scheduler(self) -> None:
        """Start a scheduler."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self.start(
            [*DASK, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as ear:
                if ear.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError("the scheduler did not start")

    def start_worker(self, before: str = "") -> None:
        """Start a worker, with a folder `before` all others on its path."""
        more = {"BEFORE": before} if before else {}
        worker = [*DASK, "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        self.workers.append(self.start(worker, **more))

    def analyze(self, *arguments: str) -> None:
        """Start the command."""
        self.command = self.start(
            [*STAND_IN, "analyze", "growth.npy", "-o", "run.zarr", *SETTINGS, *arguments]
        )

    def watch(self) -> None:
        """Start the command that watches the same frames in a folder."""
        place = self.folder / "frames"
        if not place.exists():
            place.mkdir()
            for index, frame in enumerate(np.load(self.folder / "growth.npy")):
                tifffile.imwrite(place / f"{index}.tif", frame)
        self.command = self.start(
            [*STAND_IN, "watch", "frames", "-o", "run.zarr", *SETTINGS[:-1], "--stop-after", "3"]
        )

    def n_done(self) -> int:
        """Count finished frames."""
        try:
            return int(load_result(self.folder / "run.zarr").done.sum())
        except InputError:
            return 0

    def wait_for_frames(self, count: int = 3) -> None:
        """Wait until some frames are finished."""
        deadline = time.monotonic() + LIMIT
        while self.n_done() < count and self.command.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("analyze", LIMIT)
            time.sleep(0.05)

    def own_workers(self) -> list[int]:
        """List the processes of workers that the command has started."""
        found = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.command.pid)],
            stdout=subprocess.PIPE,
            check=False,  # it may have ended
        ).stdout.decode()
        return [int(line.split()[0]) for line in found.splitlines() if "spawn_main" in line]


Act = Callable[[Run], None]


@dataclass(frozen=True)
class Fault:
    """Something that happens to a cluster.

    Parameters
    ----------
    name : str
        In words.
    act : callable
        Does it, once three frames are finished.
    ends : str
        What the sentence has in it with which the run ends; empty if it ends with its result.
    before : callable, optional
        What happens before the command starts.
    workers : int
        How many there are.
    arguments : tuple of str, optional
        Of the command, instead of the address of the scheduler.
    """

    name: str
    act: Act = lambda run: None
    ends: str = ""
    before: Act = lambda run: None
    workers: int = 2
    arguments: tuple[str, ...] | None = None


def send(number: int, *which: int) -> Act:
    """Send a signal to workers."""

    def act(run: Run) -> None:
        for index in which:
            run.workers[index].send_signal(number)

    return act


def send_scheduler(number: int) -> Act:
    """Send a signal to the scheduler."""
    return lambda run: run.scheduler.send_signal(number)


def send_own(number: int, *which: int) -> Act:
    """Send a signal to workers that the command has started."""

    def act(run: Run) -> None:
        workers = run.own_workers()
        for worker in [workers[index] for index in which if index < len(workers)]:
            os.kill(worker, number)

    return act


def after(seconds: float, *acts: Act) -> Act:
    """Do one thing after the other, with a pause between."""

    def act(run: Run) -> None:
        acts[0](run)
        for each in acts[1:]:
            time.sleep(seconds)
            each(run)

    return act


def start_worker(run: Run) -> None:
    """Start one more worker."""
    run.start_worker()


def start_other_version(run: Run) -> None:
    """Start a worker that takes the package for one of another version."""
    place = run.folder / "other"
    about = place / f"napari_lattice_symmetry-{OTHER_VERSION}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: napari-lattice-symmetry\nVersion: {OTHER_VERSION}\n"
    )
    run.start_worker(str(place))
    time.sleep(8)


def listen(run: Run) -> None:
    """Listen where a scheduler should, and say nothing."""
    ear = run.processes.enter_context(socket.socket())
    ear.bind(("127.0.0.1", 0))
    ear.listen()
    run.address = f"tcp://127.0.0.1:{ear.getsockname()[1]}"


KILL, STOP, CONT, TERM = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT, signal.SIGTERM
NO_WORKER, NO_ANSWER, NO_SCHEDULER = "no Dask worker", "does not answer", "No Dask scheduler"

FAULTS = (
    Fault("the only worker is killed", send(KILL, 0), NO_WORKER, workers=1),
    Fault("both workers are killed", send(KILL, 0, 1), NO_WORKER),
    Fault("one of two workers is killed", send(KILL, 0)),
    Fault("one of two workers leaves politely", send(TERM, 0)),
    Fault("the only worker is killed; another comes", after(5, send(KILL, 0), start_worker)),
    Fault("one of two workers is stopped", send(STOP, 0)),
    Fault("the only worker is stopped", send(STOP, 0), NO_WORKER, workers=1),
    Fault("both workers are stopped for 5 s", after(5, send(STOP, 0, 1), send(CONT, 0, 1))),
    Fault("one worker is stopped for 40 s", after(40, send(STOP, 0), send(CONT, 0))),
    Fault("a worker is stopped before the start", before=after(1, send(STOP, 0))),
    Fault("the scheduler is killed", send_scheduler(KILL), NO_ANSWER),
    Fault("the scheduler leaves politely", send_scheduler(TERM), NO_ANSWER),
    Fault("the scheduler is stopped", send_scheduler(STOP), NO_ANSWER),
    Fault(
        "the scheduler is stopped for 10 s", after(10, send_scheduler(STOP), send_scheduler(CONT))
    ),
    Fault("a scheduler without workers", ends=NO_WORKER, workers=0),
    Fault("no scheduler", before=send_scheduler(KILL), ends=NO_SCHEDULER),
    Fault("what listens is no scheduler", before=listen, ends=NO_SCHEDULER),
    Fault("the address is nonsense", ends=NO_SCHEDULER, arguments=("--scheduler", "nonsense")),
    Fault("a worker of another version", before=start_other_version, ends=OTHER_VERSION),
    Fault(
        "a worker of another version comes late",
        after(1, start_other_version, send(KILL, 0)),
        OTHER_VERSION,
        workers=1,
    ),
    Fault("one of its own workers is killed", send_own(KILL, 0), arguments=("--workers", "2")),
    Fault("both its own workers are killed", send_own(KILL, 0, 1), arguments=("--workers", "2")),
    Fault("one of its own workers is stopped", send_own(STOP, 0), arguments=("--workers", "2")),
)


@contextmanager
def prepared(seconds: float = 0.5) -> Iterator[Run]:
    """Make a folder with a movie."""
    with tempfile.TemporaryDirectory() as place:
        frames = np.random.default_rng(0).normal(20, 12, (N_FRAMES, 48, 80)).astype(np.float32)
        np.save(Path(place) / "growth.npy", frames)
        run = Run(Path(place), seconds)
        with run.processes:
            yield run


def maps_of(run: Run) -> dict[str, np.ndarray]:
    """Read all that a finished result holds."""
    result = load_result(run.folder / "run.zarr")
    return {name: np.asarray(values) for name, values in (result.maps | {"": result.state}).items()}


def undisturbed() -> dict[str, np.ndarray]:
    """Give what a run without faults makes."""
    with prepared(0) as run:
        run.analyze()
        run.command.communicate(timeout=LIMIT)
        return maps_of(run)


def suffer(fault: Fault, expected: dict[str, np.ndarray]) -> list[str]:
    """Let a run suffer a fault; give a row of the table."""
    with prepared() as run:
        if fault.arguments is None:
            run.start_scheduler()
            for _ in range(fault.workers):
                run.start_worker()
            time.sleep(8)
        fault.before(run)
        run.analyze(*(fault.arguments or ("--scheduler", run.address)))
        try:
            if fault.act is not Fault.act:
                run.wait_for_frames()
            begun = time.monotonic()
            fault.act(run)
            _, errors = run.command.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return [fault.name, "**hangs**", f"over {LIMIT} s"]
        seconds, text = time.monotonic() - begun, errors.decode()
        sentence = text.strip().splitlines()[-1] if text.strip() else ""
        if "Traceback" in text:
            outcome = "**traceback**"
            print(text, file=sys.stderr)
        elif run.command.returncode:
            fits = fault.ends and fault.ends in sentence
            sentence = re.sub(r"(tcp://)?127\.0\.0\.1:\d+", "…", sentence)
            outcome = sentence if fits else f"**{sentence}**"
        elif fault.ends:
            outcome = "**ended with status 0**"
        else:
            same = all(np.array_equal(expected[n], v, True) for n, v in maps_of(run).items())
            outcome = "the right result" if same else "**another result**"
        return [fault.name, outcome, f"{seconds:.0f} s"]


def survive(number: int, expected: dict[str, np.ndarray]) -> str:
    """Kill a run at five random moments, and continue it; say how it ends."""
    rng = np.random.default_rng(number)
    with prepared(0.1) as run:
        start = [
            run.analyze,
            partial(run.analyze, "--workers", "2"),
            run.watch,
        ][number % 3]
        for _ in range(5):
            start()
            time.sleep(rng.uniform(1, 9))
            run.command.kill()
            run.command.communicate()
            if run.n_done() == N_FRAMES:
                for path in run.folder.glob("run*"):
                    remove(path)
        start()
        _, errors = run.command.communicate(timeout=LIMIT)
        if run.command.returncode:
            return f"**{errors.decode().strip()}**"
        same = all(np.array_equal(expected[n], v, True) for n, v in maps_of(run).items())
        left = [path.name for path in run.folder.glob(".*")]
        return "the right result" if same and not left else f"**another result** {left}"


def with_rows(text: str, rows: list[list[str]], only: str) -> str:
    """Put rows that were tried again in the place of older ones, and say so under the table."""
    lines = text.splitlines()
    for row in rows:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"| {row[0]} |"))
        lines[at] = f"| {' | '.join(row)} |"
    end = max(
        i for i, line in enumerate(lines) if line.startswith(tuple(f"| {f.name} |" for f in FAULTS))
    )
    remark = f'Rows with “{only}” were tried again later, by `--only "{only}"`.'
    if remark not in lines:
        lines[end + 1 : end + 1] = ["", remark]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try all faults and kills, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--kills", type=int, default=0, help="number of kills at random moments")
    parser.add_argument("--at-once", type=int, default=2, help="runs side by side")
    parser.add_argument("--write", action="store_true", help="write docs/faults.md")
    options = parser.parse_args()
    expected = undisturbed()
    faults = [fault for fault in FAULTS if options.only in fault.name]
    with ThreadPoolExecutor(options.at_once) as pool:
        rows = list(pool.map(lambda fault: suffer(fault, expected), faults))
        ends = list(pool.map(lambda number: survive(number, expected), range(options.kills // 5)))
    table = markdown_table(["Fault", "The run ends with", "after"], rows)
    kills = (
        f"{5 * len(ends)} kills in {len(ends)} chains, in turn of a run here, one on two workers, "
        "and a watch: "
        + ("; ".join(f"{ends.count(end)} x {end}" for end in sorted({*ends})) or "none")
    )
    print(table, kills, sep="\n\n")
    if options.write and options.only:
        page = ROOT / "docs" / "faults.md"
        page.write_text(with_rows(page.read_text(), rows, options.only))
    elif options.write:
        text = f"""# Faults and kills

Made by `python benchmarks/faults.py --kills {options.kills} --at-once {options.at_once} --write`
on: {machine()}.

A run on a cluster suffers a fault once three frames are finished; the `worker-ttl` of the
scheduler is {WORKER_TTL} s. It has to end with the result of an undisturbed run, or with one
sentence and a status that is not 0; finished frames are kept in any case. What is bold is neither.

{table}

{kills}.
"""
        page = ROOT / "docs" / "faults.md"
        _, heading, rest = page.read_text().partition("\n## Damaged files")  # of damage.py
        page.write_text(text + heading + rest)


if __name__ == "__main__":
    main()
