"""Write a report on a real movie, open it in a browser, and save what is seen to docs/images/."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from PyQt6.QtCore import QTimer, QUrl
from PyQt6.QtGui import QImage
from PyQt6.QtWebEngineWidgets import QWebEngineView
from PyQt6.QtWidgets import QApplication

from napari_lattice_symmetry import analyze, read_movie
from napari_lattice_symmetry.report.page import write_report

IMAGES = Path(__file__).parents[1] / "images"
WIDTH, HEIGHT = 900, 690
SCROLL = """
[...document.querySelectorAll("h2")].find(title => title.textContent == "Maps").scrollIntoView()
"""

os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")  # root has none, and the page is ours


def main() -> None:
    """Show the maps and lattice parameters of a graphene movie."""
    data = os.environ.get("LATTICE_SYMMETRY_DATA")
    if not data:
        print("LATTICE_SYMMETRY_DATA is not set: the picture of a report is left as it is.")
        return
    movie = read_movie(Path(data) / "movies" / "graphene_hrtem_Dyna1_all.tif")
    result = analyze(movie, window=64, stride=16, samples=50, lattice_maps=True)
    with TemporaryDirectory() as folder:
        path = write_report(result, Path(folder) / "report.html", movie)
        application = QApplication(sys.argv)
        view = QWebEngineView()
        view.resize(WIDTH, HEIGHT)
        view.show()

        def save() -> None:
            save_picture(view.grab().toImage(), IMAGES / "report.png")
            application.quit()

        def scroll() -> None:
            view.page().runJavaScript(SCROLL)
            QTimer.singleShot(3000, save)

        view.loadFinished.connect(scroll)
        view.load(QUrl.fromLocalFile(str(path)))
        application.exec()


def save_picture(image: QImage, path: Path) -> None:
    """Save all colors as they are, as small as PNG allows."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    pixels = image.constBits().asstring(image.sizeInBytes())
    size, stride = (image.width(), image.height()), image.bytesPerLine()
    Image.frombuffer("RGB", size, pixels, "raw", "RGB", stride).save(path, optimize=True)


if __name__ == "__main__":
    main()
