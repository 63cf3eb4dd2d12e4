"""What happens when the program ends while something is worked on."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """
import sys, time
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication

app = QApplication([])
stopped = []

def let_begin(condition):
    while not condition():
        app.processEvents()
        time.sleep(0.01)
"""

LATEST = """
from napari_lattice_symmetry.plugin.background.latest import LatestRequest

def work(request, should_stop):
    begun.append(request)
    while not should_stop():
        time.sleep(0.01)
    time.sleep(0.5)
    import decimal, sqlite3  # as a library does that is loaded in the background
    print("ended in order", flush=True)

begun, owner = [], QObject()
latest = LatestRequest(work, owner)
latest.ask(1)
let_begin(lambda: begun)
"""

STEPS = """
from napari_lattice_symmetry.plugin.runs.worker import create_step_worker

def begin(should_stop):
    begun.append(True)
    try:
        while True:
            time.sleep(0.05)
            yield len(begun)
    finally:
        print("ended in order", flush=True)

begun = []
worker = create_step_worker(begin, "This failed")
worker.start()
let_begin(lambda: begun)
"""


@pytest.mark.parametrize("code", [LATEST, STEPS], ids=["a request", "a run"])
def test_what_is_worked_on_ends_before_the_program(code):
    command = [sys.executable, "-c", BEGIN + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "ended in order\n"
    assert "Error" not in done.stderr
    assert done.returncode == 0
