"""Nanosurf scans (nid): a text header in sections, then the channels one after the other."""

from __future__ import annotations

from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import refusals
from napari_lattice_symmetry.io.calibration import pixel_size_nm
from napari_lattice_symmetry.io.probe.planes import beginning, plane
from napari_lattice_symmetry.io.stack import Files, Stack, add

SUFFIXES = (".nid",)
_START = b"#!"


def open_nid(path: Path, files: Files) -> dict[str, Stack]:
    """List the channels of a scan, forward and backward."""
    content = beginning(path)
    head, found, _ = content.partition(_START)
    if not content.startswith(b"[DataSet]") or not found:
        raise InputError(f"{path.name} is not a Nanosurf scan, or its header is cut off.")
    sections = _sections(head.decode("latin-1"))
    offset = len(head) + len(_START)
    stacks: dict[str, Stack] = {}
    for key, name in sections["DataSet"].items():
        if not (key.startswith("Gr") and "-Ch" in key):
            continue
        facts = sections[name]
        rows, columns, bits = (int(facts[fact]) for fact in ("Lines", "Points", "SaveBits"))
        order = "<" if facts["SaveOrder"] == "Intel" else ">"
        kind = "i" if facts["SaveSign"] == "Signed" else "u"
        height, width = float(facts["Dim1Range"]), float(facts["Dim0Range"])
        unit_y, unit_x = facts["Dim1Unit"], facts["Dim0Unit"]
        size = pixel_size_nm(height / rows, width / columns, unit_y, unit_x)
        spectra = "" if size else refusals.spectra(facts.get("Dim0Name", "one axis"))
        stack = plane(
            path,
            offset,
            f"{order}{kind}{bits // 8}",
            (rows, columns),
            upside_down=True,
            pixel_size=size,
            calibration_source="Dim0Range and Dim1Range of the Nanosurf header",
            metadata={"channel": name, **sections},
            refusal=refusals.diffraction(unit_y, unit_x) or spectra,
        )
        add(stacks, f"{facts['Dim2Name']} {facts['Frame']}", stack)
        offset += rows * columns * bits // 8
    return stacks


def _sections(text: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    facts: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            facts = sections.setdefault(line[1:-1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            facts[key] = value.strip()
    return sections
