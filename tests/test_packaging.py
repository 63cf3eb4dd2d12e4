"""What is shipped: the wheel, its metadata, its manifest and the pinned versions."""

from __future__ import annotations

import configparser
import email
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from npe2 import PluginManifest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==[\w.!+]+( ; [^:/@]+)?")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def read(wheel, name):
    (path,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(path).decode()


def test_wheel_holds_the_package_and_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"napari_lattice_symmetry"}
    assert {f"napari_lattice_symmetry/{name}" for name in ("napari.yaml", "py.typed")} <= set(
        wheel.namelist()
    )
    assert "BSD 3-Clause License" in read(wheel, "licenses/LICENSE")


def test_wheel_holds_every_module(wheel):
    package = ROOT / "src" / "napari_lattice_symmetry"
    modules = {path.relative_to(ROOT / "src").as_posix() for path in package.rglob("*.py")}
    assert modules <= set(wheel.namelist())


def test_wheel_holds_the_pages_that_docks_show(wheel):
    pages = {f"napari_lattice_symmetry/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert pages <= set(wheel.namelist())


def test_wheel_holds_the_weights(wheel):
    sizes = {Path(i.filename).name: i.file_size for i in wheel.infolist() if ".keras" in i.filename}
    assert set(sizes) == {"polar.keras", "published.keras"}
    assert max(sizes.values()) < 10e6


def test_wheel_announces_command_and_plugin(wheel):
    entry_points = configparser.ConfigParser()
    entry_points.read_string(read(wheel, "entry_points.txt"))
    assert "lattice-symmetry" in entry_points["console_scripts"]
    manifest = entry_points["napari.manifest"]["napari-lattice-symmetry"]
    assert manifest.replace(":", "/") in wheel.namelist()


def test_only_the_extra_brings_a_qt_binding(wheel):
    fields = email.message_from_string(read(wheel, "METADATA")).get_all("Requires-Dist")
    requirements = [Requirement(field) for field in fields]
    base = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    assert len(base) < len(requirements)
    assert not {"pyqt5", "pyqt6", "pyside2", "pyside6"} & {r.name.lower() for r in base}
    assert not [r for r in base if r.name == "napari" and r.extras]


def test_manifest_names_what_exists():
    PluginManifest.from_distribution("napari-lattice-symmetry").validate_imports()


def test_manifest_at_the_top_is_that_of_the_package():
    link = ROOT / "napari.yaml"
    assert link.is_symlink()
    assert link.samefile(ROOT / "src/napari_lattice_symmetry/napari.yaml")


def test_constraints_pin_all_that_is_asked_for():
    pins = [PIN.fullmatch(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]
    assert None not in pins
    asked = [
        *PROJECT["project"]["dependencies"],
        *(name for extra in PROJECT["project"]["optional-dependencies"].values() for name in extra),
        *PROJECT["dependency-groups"]["dev"],
    ]
    names = {canonicalize_name(Requirement(each).name) for each in asked}
    assert names - {PROJECT["project"]["name"]} <= {pin["name"] for pin in pins}


def test_every_page_is_in_the_navigation_of_the_site():
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert sorted(re.findall(r"[\w/-]+\.md", navigation)) == sorted(written)
