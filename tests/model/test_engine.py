from __future__ import annotations

import subprocess
import sys

import pytest

DRAW = """
from vispy import app, gloo
canvas = app.Canvas(show=True)
canvas.events.draw.connect(lambda event: gloo.clear("white"))
canvas.app.process_events()
assert canvas.render().all()
"""
LEARN = """
from napari_lattice_symmetry.model.engine import keras
assert float(keras.ops.sum(keras.ops.ones((2, 3)) @ keras.ops.ones((3, 2)))) == 12
"""


@pytest.mark.timeout(300)  # loading TensorFlow takes long on a busy machine
@pytest.mark.parametrize("code", [DRAW + LEARN + DRAW, LEARN + DRAW + LEARN])
def test_shares_a_process_with_opengl(code, qapp):
    subprocess.run([sys.executable, "-c", code], check=True, timeout=250)
