"""Where the verbs write."""

from __future__ import annotations

from pathlib import Path


def beside(output: Path, end: str) -> Path:
    """Name what lies beside `output`, such as ``run_maps.png`` beside ``run.zarr``."""
    return output.with_name(f"{output.stem}_{end}")
