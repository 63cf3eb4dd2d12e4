"""Run the example that drives a viewer, and keep its picture in docs/images/."""

from __future__ import annotations

import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from window import IMAGES, open_viewer

EXAMPLE = Path(__file__).parents[2] / "examples" / "viewer.py"


def main() -> None:
    """Let the example find a window as large as those of all pictures."""
    viewer = open_viewer()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(sys, "argv", [str(EXAMPLE), folder]),
        patch("napari.Viewer", lambda: viewer),
        patch("napari.run"),
    ):
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        shutil.copy(Path(folder) / "viewer.png", IMAGES / "example-viewer.png")
    viewer.close()


if __name__ == "__main__":
    main()
