"""How soon a click on Run shows something in napari, and how late its event loop gets meanwhile.

Needs a screen, real or virtual; prints what it measured as JSON. `speed.py` runs this.
"""

from __future__ import annotations

import json
import sys
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

import napari
import numpy as np
from qtpy.QtCore import QEventLoop, QSettings, Qt, QTimer

from napari_lattice_symmetry.lattice import simulate

if TYPE_CHECKING:
    from napari_lattice_symmetry.plugin.analyze.widget import AnalysisWidget

TICK = 0.01
N_FRAMES = 20


def run(widget: AnalysisWidget) -> tuple[float, list[float]]:
    """Click Run; give the time until the first frame is shown, and how late each tick came."""
    loop, timer = QEventLoop(), QTimer()
    ticks: list[float] = []
    shown: list[float] = []

    def tick() -> None:
        ticks.append(perf_counter())
        if not shown and widget.run.n_done:
            shown.append(ticks[-1])

    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(round(1000 * TICK))
    clicked = perf_counter()
    widget.run_button.click()
    widget.run.finished.connect(loop.quit)
    loop.exec()
    timer.stop()
    if widget.run.error is not None:
        raise widget.run.error
    return shown[0] - clicked, np.maximum(np.diff(ticks) - TICK, 0).tolist()


def main() -> None:
    """Run twice in one window: with all imports to come, and with none."""
    with TemporaryDirectory() as folder:  # with settings that nobody has changed
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        measure()


def measure() -> None:
    """Print how soon a first and a second run show something."""
    frame = simulate("two-grains").movie.frame(0)
    viewer = napari.Viewer()
    viewer.window.resize(1280, 780)
    viewer.add_image(np.stack([np.roll(frame, t, axis=1) for t in range(N_FRAMES)]))
    _, widget = viewer.window.add_plugin_dock_widget("napari-lattice-symmetry", "Lattice symmetry")
    settled = QEventLoop()
    QTimer.singleShot(3000, settled.quit)  # the window is drawn, the lattice period measured
    settled.exec()
    cold, late_cold = run(widget)
    warm, late_warm = run(widget)
    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow is loaded, which no run here needs.")
    print(json.dumps({"cold": cold, "warm": warm, "late": late_warm, "late_cold": late_cold}))
    viewer.close()


if __name__ == "__main__":
    main()
