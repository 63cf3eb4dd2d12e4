"""Write a report on a real movie, open it in a browser, and save what is seen to docs/images/.

Needs PyQt6-WebEngine, which nothing else here does: ``pip install PyQt6-WebEngine``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_lattice_symmetry import analyze, read_movie
from napari_lattice_symmetry.analysis.report import write_report

IMAGES = Path(__file__).parents[1] / "images"
WIDTH, HEIGHT = 900, 800
MAPS = 2150  # how far down the page they are


def main() -> None:
    """Show the maps and lattice parameters of a graphene movie."""
    try:
        from PyQt6.QtWebEngineWidgets import QWebEngineView
    except ImportError:
        print("PyQt6-WebEngine is not installed: the picture of a report is left as it is.")
        return
    data = os.environ.get("LATTICE_SYMMETRY_DATA")
    if not data:
        print("LATTICE_SYMMETRY_DATA is not set: the picture of a report is left as it is.")
        return
    from PyQt6.QtCore import QTimer, QUrl
    from PyQt6.QtWidgets import QApplication

    movie = read_movie(Path(data) / "movies" / "graphene_hrtem_Dyna1_all.tif")
    result = analyze(movie, window=64, stride=16, samples=50, lattice_maps=True)
    with TemporaryDirectory() as folder:
        path = write_report(result, Path(folder) / "report.html", movie)
        application = QApplication(sys.argv)
        view = QWebEngineView()
        view.resize(WIDTH, HEIGHT)
        view.show()

        def save() -> None:
            view.grab().save(str(IMAGES / "report.png"))
            application.quit()

        def scroll() -> None:
            view.page().runJavaScript(f"window.scrollTo(0, {MAPS})")
            QTimer.singleShot(3000, save)

        view.loadFinished.connect(scroll)
        view.load(QUrl.fromLocalFile(str(path)))
        application.exec()


if __name__ == "__main__":
    main()
