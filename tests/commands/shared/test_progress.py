from __future__ import annotations

import io
import sys

from napari_lattice_symmetry.commands.shared import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.progress("film", 40, done=10) as shown:
        shown.tell("frame 3 cannot be read")
        shown.show(40)
    assert "40/40" in sys.stderr.getvalue()
    assert "frame 3 cannot be read\n" in sys.stderr.getvalue()


def test_a_line_now_and_then_elsewhere(monkeypatch, capsys):
    times = iter([0, 10, 31, 31, 40, 62, 62])
    monkeypatch.setattr(progress, "monotonic", lambda: next(times))
    with progress.progress("film", 4000) as shown:
        for done in (500, 1500, 2000, 3000):
            shown.show(done)
    lines = ["film: 1,500 of 4,000 windows", "film: 3,000 of 4,000 windows"]
    assert capsys.readouterr().err.splitlines() == lines
