"""What is shipped: the wheel, its metadata, its manifest and the pinned versions."""

from __future__ import annotations

import configparser
import email
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from shutil import which

import pytest
import yaml
from npe2 import PluginManifest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MONTHS = [f"constraints/{path.name}" for path in (ROOT / "constraints").glob("20??-??.txt")]
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
    sizes = {
        Path(i.filename).name: i.file_size for i in wheel.infolist() if "weights/" in i.filename
    }
    registries = list((ROOT / "src").rglob("weights/registry.json"))
    assert len(registries) >= 3  # of lattices, families of crystals, and atoms
    entries = [
        entry
        for path in registries
        for entry in json.loads(path.read_text(encoding="utf-8")).values()
    ]
    judges = {entry["verdict"]["file"] for entry in entries if "verdict" in entry}
    assert judges
    assert set(sizes) == {"registry.json", *judges, *(entry["file"] for entry in entries)}
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


def test_wheel_says_where_the_project_is(wheel):
    metadata = email.message_from_string(read(wheel, "METADATA"))
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL"))
    assert set(urls) == {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
    assert Version(metadata["Version"]) >= Version("0.1")
    links = re.findall(r"\]\(([^)]+)\)", metadata.get_payload())
    assert len(links) > 20
    assert all(link.startswith(("https://", "#")) for link in links)
    own = [link for link in links if "/napari-lattice-symmetry/napari-lattice-symmetry/" in link]
    assert len(own) > 10
    assert {link.split("/")[2] for link in own} == {"github.com", "raw.githubusercontent.com"}
    assert not [link for link in own if not (ROOT / link.split("/main/")[1].split("#")[0]).exists()]


def test_conda_recipe_asks_for_the_same():
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    needed = {Requirement(each) for each in recipe["requirements"]["run"]}
    asked = {Requirement(re.sub(r"\[.*\]", "", each)) for each in project["dependencies"]}
    conda = {"matplotlib": "matplotlib-base"}
    expected = {f"{conda.get(each.name, each.name)}{each.specifier}" for each in asked}
    expected.add(f"python{Requirement('python' + project['requires-python']).specifier}")
    assert {str(each) for each in needed} == expected
    host = {Requirement(each.replace(" 3", " ==3")) for each in recipe["requirements"]["host"]}
    assert {str(each) for each in host} >= set(PROJECT["build-system"]["requires"])
    assert recipe["about"]["license"] == project["license"]
    assert recipe["about"]["homepage"] == project["urls"]["Source"]
    script = {f"{name} = {place}" for name, place in project["scripts"].items()}
    assert set(recipe["build"]["python"]["entry_points"]) == script


def test_manifest_names_what_exists():
    PluginManifest.from_distribution("napari-lattice-symmetry").validate_imports()


def test_manifest_at_the_top_is_that_of_the_package():
    link = ROOT / "napari.yaml"
    if sys.platform == "win32" and not link.is_symlink():  # Git writes there where it leads
        assert link.read_text() == "src/napari_lattice_symmetry/napari.yaml"
    else:
        assert link.is_symlink()
        assert link.samefile(ROOT / "src/napari_lattice_symmetry/napari.yaml")


@pytest.mark.parametrize("name", ["constraints.txt", max(MONTHS)])
def test_constraints_pin_all_that_is_asked_for(name):
    pins = [PIN.fullmatch(line) for line in (ROOT / name).read_text().splitlines()]
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


def test_workflows_and_hooks_call_what_there_is():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = set()
    (looked_for,) = re.findall(
        r"for command in (.+); do", (ROOT / "tools" / "qt-libraries").read_text()
    )
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            runs = [step.get("run", "") for step in job["steps"]]
            makes = {make for run in runs for make in re.findall(r"^make ([a-z-]+)", run, re.M)}
            if "test" in makes:  # which asks for these, and on these machines is not root
                (installed,) = [run for run in runs if run.startswith("sudo apt-get")]
                assert set(looked_for.lower().split()) <= set(installed.split())
            called |= makes
    assert {"test", "docs", "dist"} <= called <= targets
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = [hook["entry"].split()[0] for hook in hooks["repos"][0]["hooks"]]
    here = Path(sys.executable).parent
    assert len(entries) == 7
    assert not [each for each in entries if not which(Path(each).name, path=here)]


def test_a_release_fills_in_the_recipe(tmp_path):
    for name, content in (("dist/x.tar.gz", "archive"), ("conda/recipe.yaml", None)):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(content or (ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    (script,) = [
        step["run"] for step in workflow["jobs"]["build"]["steps"] if "sed" in step.get("run", "")
    ]
    tag = {**os.environ, "GITHUB_REF_NAME": "v1.2.3"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=tag, check=True)
    recipe = yaml.safe_load((tmp_path / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(b"archive").hexdigest()
    assert recipe["context"] == {"version": "1.2.3", "sha256": digest}
    assert recipe["package"]["version"] == "${{ version }}"
    assert recipe["source"]["sha256"] == "${{ sha256 }}"
