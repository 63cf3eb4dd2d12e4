"""What is written about the package: docstrings of public names, their examples, pages, links."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest
import tifffile
import yaml
from npe2 import PluginManifest
from numpydoc.docscrape import FunctionDoc
from numpydoc.validate import validate
from pydantic import BaseModel

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
README = ROOT / "README.md"
SHOWN = [*PAGES, README]
# Missing or unknown or disordered parameters, no type, no returns, no yields, no docstring at all.
CODES = {"GL08", "PR01", "PR02", "PR03", "PR04", "RT01", "RT02", "YD01", "SS01"}
LINK = re.compile(r"\]\(([^)\s]+)\)")


def public():
    """Name and value of all that a room or the package itself lists."""
    for name in nls.__all__:
        value = getattr(nls, name)
        if isinstance(value, ModuleType):
            yield from ((f"{name}.{each}", getattr(value, each)) for each in value.__all__)
        else:
            yield name, value


FUNCTIONS = {name: value for name, value in public() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in public() if inspect.isclass(value)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_says_what_it_takes_and_gives(name):
    function = FUNCTIONS[name]
    doc = FunctionDoc(function)
    place = f"{function.__module__}.{function.__qualname__}"
    errors = [error for error in validate(place)["errors"] if error[0] in CODES]
    referred = {
        each.strip()
        for group, kind, lines in doc["Parameters"]
        if not kind and lines and lines[0].startswith(("As for", "As in"))
        for each in group.split(",")
    }
    errors = [
        (code, said)
        for code, said in errors
        if not (code == "PR04" and said.split('"')[1] in referred)
        and not (code == "RT01" and (doc["Yields"] or "-> None" in inspect.getsource(function)))
    ]
    assert not errors
    if re.search(r"^ +raise ", inspect.getsource(function), re.MULTILINE):
        assert doc["Raises"]


@pytest.mark.parametrize("name", {**FUNCTIONS, **CLASSES})
def test_public_arrays_have_shapes(name):
    text = inspect.getdoc({**FUNCTIONS, **CLASSES}[name])
    arrays = re.findall(r"^\w[\w, ]* : ((?:numpy\.)?ndarray.*)$", text, re.MULTILINE)
    assert not [kind for kind in arrays if "shape" not in kind]


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_says_what_its_fields_are(name):
    cls = CLASSES[name]
    text = inspect.getdoc(cls)
    if issubclass(cls, BaseModel):
        assert all(field.description for field in cls.model_fields.values())
    elif dataclasses.is_dataclass(cls):
        if "every field of `LatticeFit`" in text:
            text += inspect.getdoc(nls.LatticeFit)
        told = re.findall(r"^([\w, ]+) : |^([a-z_]+, [\w, ]+)$", text, re.MULTILINE)
        names = {each.strip() for pair in told for group in pair for each in group.split(",")}
        fields = {field.name for field in dataclasses.fields(cls) if field.name[0] != "_"}
        assert fields <= names


@pytest.mark.slow
def test_examples_in_docstrings_are_true(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    modules = sorted({value.__module__ for value in (*FUNCTIONS.values(), *CLASSES.values())})
    finder, runner = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestRunner()
    ran = 0
    for module in map(import_module, modules):
        for test in finder.find(module, globs={**vars(module), "np": np, "nls": nls}):
            ran += bool(test.examples)
            runner.run(test)
    assert ran >= 14
    assert runner.summarize().failed == 0


def test_every_public_name_is_on_a_page():
    text = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md"))
    shown = re.findall(r"^::: napari_lattice_symmetry\.(\S+)$", text, re.MULTILINE)
    last = {name.rsplit(".", 1)[-1] for name in shown} | {"LatticeSymmetryError"}
    assert set(nls.__all__) <= last


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere(path):
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    local = [target.split("#")[0] for target in targets if ":" not in target]
    assert not [target for target in local if target and not (path.parent / target).exists()]


def test_pages_teach_no_deep_path():
    deep = re.compile(r"(from|import) napari_lattice_symmetry\.")
    shown = [*SHOWN, *(ROOT / "examples").glob("*.py")]
    assert len(shown) > 35
    assert not [path.name for path in shown if deep.search(path.read_text(encoding="utf-8"))]


def test_the_site_shows_the_way_to_every_dock_and_room():
    home = (DOCS / "index.md").read_text(encoding="utf-8")
    rooms = {name for name in nls.__all__ if isinstance(getattr(nls, name), ModuleType)}
    docks = PluginManifest.from_distribution("napari-lattice-symmetry").contributions.widgets
    assert not [each.display_name for each in docks if f"| [{each.display_name}](" not in home]
    listed = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    assert not [name for name in rooms if f"| [nls.{name}]({name}.md)" not in listed]
    alone = set(nls.__all__) - rooms - {"LatticeSymmetryError"}
    assert not [name for name in alone if f"`{name}`" not in listed]


def test_the_guide_tells_of_every_setting():
    rows = re.findall(
        r"^\| ([^|]+) \|", (DOCS / "guide.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    told = {name.strip().lower() for row in rows for name in re.split("[,;]", row)}
    fields = nls.AnalysisParameters.model_fields.values()
    assert not {field.title.lower().removesuffix(" (px)") for field in fields} - told


def test_the_glossary_has_the_words_that_pages_use():
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\*\*([^*]+)\.\*\*", text, re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    asked = {"Lattice", "Class", "Plane group", "Thinned network", "Network spread", "Verdict", "R"}
    assert asked <= set(words)


COMMAND = re.compile(r"^ *(lattice-symmetry .+)$|`(lattice-symmetry [^`]+)`", re.MULTILINE)


def commands():
    """Each command that a page shows, as its words."""
    for path in SHOWN:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for match in COMMAND.finditer(text):
            yield shlex.split(match[1] or match[2], comments=True)[1:]


def test_commands_on_pages_have_such_options():
    shown = list(commands())
    assert len(shown) > 40
    for verb, *words in shown:
        if verb != "--version":
            command = main.get_command(None, verb)
            command.make_parser(click.Context(command)).parse_args(words)


def test_names_on_pages_exist():
    shown = {
        name
        for path in SHOWN
        for name in re.findall(r"\bnls\.(\w+(?:\.\w+)*)", path.read_text(encoding="utf-8"))
    }
    assert len(shown) > 50
    for name in shown:
        value = nls
        for part in name.split("."):
            value = getattr(value, part)


@pytest.mark.slow
def test_commands_and_script_of_the_readme_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = nls.simulate("square-to-hexagonal", frames=5, size=160).movie.frames
    tifffile.imwrite("movie.tif", np.asarray(frames, dtype=np.float32))
    text = README.read_text(encoding="utf-8")
    commands = re.findall(r"^lattice-symmetry (.+)$", text, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        main(shlex.split(command, comments=True), standalone_mode=False)
    (script,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    names = {}
    exec(script, names)
    assert names["windows"].shape == (4, 128, 128)
    assert len(nls.load_result("phases.zarr").times) == 5


def test_the_paper_cites_what_is_listed():
    text = (ROOT / "paper" / "paper.md").read_text(encoding="utf-8")
    listed = re.findall(
        r"^@\w+\{(\w+),", (ROOT / "paper" / "paper.bib").read_text(encoding="utf-8"), re.MULTILINE
    )
    front, body = text.split("---\n", 2)[1:]
    assert sorted(set(re.findall(r"@(\w+)", body))) == sorted(listed)
    head = yaml.safe_load(front)
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= set(head)
    assert {each["affiliation"] for each in head["authors"]} == {
        each["index"] for each in head["affiliations"]
    }
    for part in ("Summary", "Statement of need", "State of the field", "Acknowledgments"):
        assert f"# {part}\n" in body


def rows(text):
    """Cells of all rows of the tables in a text, without the marks of bold and code."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def measured(page, *first):
    """Cells that follow `first` in a table of a page."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    (found,) = (row[len(first) :] for row in rows(text) if row[: len(first)] == [*first])
    return found


def percent(cell):
    return f"{float(cell.rstrip('%')):.1f} %"


def test_the_accuracy_that_is_told_was_measured():
    told = {
        row[0].replace("`", ""): row[1:3]
        for path in (ROOT / "paper" / "paper.md", README)
        for row in rows(path.read_text(encoding="utf-8"))
        if any(word in row[0] for word in ("published", "compact", "verdict"))
    }
    compact, compact_paper = ("compact", "instrument"), ("compact", "paper")
    verdict, verdict_paper = (
        ("verdict, tolerance 0.04", "instrument"),
        ("verdict, tolerance 0", "paper"),
    )
    published_paper = ("published", "paper")
    where = {
        "the same network trained here (published), on a set modeled on theirs": published_paper,
        "compact, the default here, on that set": compact_paper,
        "the verdict of compact and the lattice fit, on that set": verdict_paper,
        "published, on images as an instrument records them": ("published", "instrument"),
        "compact, on these": compact,
        "the verdict, on these": verdict,
        "verdict, images as a microscope records them": verdict,
        "compact, the same images": compact,
        "verdict, modeled on the set of the original paper": verdict_paper,
        "compact, the same set": compact_paper,
        "published, the same set": published_paper,
    }
    theirs = told.pop("network of @vasudevan2018, as published, on its own set")
    accuracy = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert " top-1 and ".join(theirs) + " top-2" in accuracy
    assert told == {
        name: [percent(cell) for cell in measured("accuracy", *place)[:2]]
        for name, place in where.items()
    }


def test_the_paper_says_what_was_measured():
    text = " ".join((ROOT / "paper" / "paper.md").read_text(encoding="utf-8").split())
    tracks = ("instrument", "paper")
    calibration = [percent(measured("accuracy", "compact", at)[2]) for at in tracks]
    areas = measured("area-fractions", "all")
    groups, _aim, good, *_ = measured("plane-groups", "30 counts")
    few, _aim, poor, *_ = measured("plane-groups", "1 count")
    names = (DOCS / "real-images.md").read_text(encoding="utf-8").partition("## After")[0]
    images = rows(names)[2:]
    right = [row for row in images if row[2].startswith("**")]
    simulated = [row for row in images if "multislice" in row[0]]
    assert not [row for row in images if row not in right and row[4].startswith("**")]
    for said in (
        "of `compact` is {} on images as recorded and {} on the other set".format(*calibration),
        f"hold it in {percent(areas[1])} of {areas[0]} areas",
        f"holds it in {percent(areas[-1])}.",
        f"right in {percent(good)} of {groups} at 30 counts",
        f"at 30 counts, and in {percent(poor)} of {few} at one count",
        f"Of {len(images)} public images and grains",
        f"{('no', 'one', 'two', 'three')[len(simulated)]} of them multislice simulations",
        f"is right in {len(right)}; in the other {len(images) - len(right)} the fit, too",
    ):
        assert said in text


def test_no_run_of_the_benchmark_was_slower_than_is_told():
    runs = json.loads((ROOT / "benchmarks" / "history.json").read_text(encoding="utf-8"))

    def figures(name):
        kept = (run["figures"].get(name) for run in runs)
        return [float(each.split()[0].replace(",", "")) for each in kept if each]

    readme, paper = (
        " ".join(path.read_text(encoding="utf-8").split())
        for path in (README, ROOT / "paper" / "paper.md")
    )
    frame = max(figures("512 x 512 frame, 625 windows, 100 MC samples"))
    for text in (readme, paper):
        (bound,) = re.findall(r"less than ([\d.]+) s on two (?:shared )?cores", text)
        assert frame < float(bound)
    plain, published = re.findall(r"at least (\d+) times", readme)
    assert min(figures("times faster than the plain loop")) >= float(plain)
    assert min(figures("the same, one window by itself")) >= float(published)
