"""Numbers of a report: tables of classes, of lattice parameters, of settings and origin."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.bravais.parameters import ANSWERS, AnalysisParameters
from napari_lattice_symmetry.data.movie import BY_HAND, PIXEL, unit_name
from napari_lattice_symmetry.evolution.growth import GrowthFit
from napari_lattice_symmetry.lattice import CLASSES, COLORS, LABELS
from napari_lattice_symmetry.results.maps import AGREE, DISAGREE
from napari_lattice_symmetry.results.provenance import CHOICE
from napari_lattice_symmetry.results.result import MovieResult

_MAX_WINDOWS = 2_000_000
_QUARTILES = (25, 50, 75)
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Sample:
    """Windows of all finished frames, or of some of them where there are very many.

    Attributes
    ----------
    labels : ndarray, shape (n,), uint8
        Of the analyzed windows.
    entropy : ndarray, shape (n,), float32
        In nats.
    agreement : ndarray, shape (n,), uint8
        All 0 without verdict and lattice maps.
    metric_labels : ndarray, shape (n,), uint8
        All 0 without lattice maps.
    lattice : dict of str to ndarray, shape (n,), float32
        a, b and gamma; empty without lattice maps.
    step : int
        Every how many finished frames.
    """

    labels: NDArray[np.uint8]
    entropy: NDArray[np.float32]
    agreement: NDArray[np.uint8]
    metric_labels: NDArray[np.uint8]
    lattice: dict[str, NDArray[np.float32]]
    step: int

    @classmethod
    def of(cls, result: MovieResult) -> Sample:
        """Read the windows of a result, some frames at a time."""
        done = np.flatnonzero(result.done)
        step = max(1, len(done) * result.grid.size // _MAX_WINDOWS)
        rows = done[::step]
        labels = _read(result.labels, rows)
        known = labels > 0
        maps: dict[str, Any] = {
            name: _read(result.maps[name], rows)[known]
            for name in ("entropy", "agreement", "metric_labels", "a", "b", "gamma")
            if name in result.maps
        }
        none = np.zeros(known.sum(), dtype=np.uint8)
        return cls(
            labels=labels[known],
            entropy=maps["entropy"],
            agreement=maps.get("agreement", none),
            metric_labels=maps["metric_labels"] if "a" in maps else none,
            lattice={name: maps[name] for name in ("a", "b", "gamma") if name in maps},
            step=step,
        )


def _read(maps: Any, rows: NDArray[np.intp]) -> NDArray[Any]:
    """Read some frames of maps (T, gy, gx), shape (n, gy, gx)."""
    blocks = [np.asarray(maps[rows[i : i + _BLOCK]]) for i in range(0, len(rows), _BLOCK)]
    return np.concatenate(blocks)


def class_table(result: MovieResult, sample: Sample) -> list[dict[str, str]]:
    """Tell of each class how much there is at the beginning, at the end and in all."""
    first, last = np.flatnonzero(result.done)[[0, -1]]
    rows = []
    for k, name in enumerate(CLASSES):
        here = sample.labels == LABELS[name]
        known = here & (sample.agreement > 0)
        rows.append(
            {
                "class": name,
                "color": COLORS[name],
                "first": _fraction(result, first, k),
                "last": _fraction(result, last, k),
                "share": f"{here.mean():.1%}" if here.size else "",
                "entropy": f"{sample.entropy[here].mean():.2f}" if here.any() else "",
                "agreement": f"{(sample.agreement[known] == AGREE).mean():.0%}"
                if known.any()
                else "",
            }
        )
    return rows


def _fraction(result: MovieResult, row: int, k: int) -> str:
    mean, std = result.fractions[row, k], result.fractions_std[row, k]
    return f"{mean:.3f} ± {std:.3f}" if np.isfinite(mean) else ""


def key_figures(result: MovieResult, sample: Sample) -> list[tuple[str, str]]:
    """Tell what matters most, in a few numbers."""
    n_done, n_failed = int(result.done.sum()), int(result.failed.sum())
    unread = f", {n_failed} could not be read" if n_failed else ""
    figures = [
        ("Frames", f"{n_done} of {len(result.done)} finished{unread}"),
        ("Windows", f"{result.grid.shape[0]} x {result.grid.shape[1]} a frame"),
        ("Answer", ANSWERS[result.parameters.answer]),
    ]
    if not sample.labels.size:
        return [*figures, ("Classes", "no window could be analyzed")]
    counts = np.bincount(sample.labels, minlength=len(CLASSES) + 1)[1:]
    most = int(counts.argmax())
    figures += [
        ("Most frequent", f"{CLASSES[most]}, {counts[most] / counts.sum():.1%} of the windows"),
        (
            "Uncertainty",
            f"{sample.entropy.mean():.2f} nats on average, {np.median(sample.entropy):.2f} median",
        ),
    ]
    agree, disagree = (int((sample.agreement == value).sum()) for value in (AGREE, DISAGREE))
    if agree + disagree:
        share = agree / (agree + disagree)
        figures.append(
            ("Network and lattice fit", f"agree in {share:.1%} of {agree + disagree} windows")
        )
    return figures


def fraction_table(result: MovieResult) -> list[list[str]]:
    """Return frame, time and phase fractions of every finished frame."""
    return [
        [
            str(result.frame_indices[row]),
            "" if result.frame_time is None else f"{result.times[row]:.6g}",
            *(_fraction(result, row, k) for k in range(len(CLASSES))),
        ]
        for row in np.flatnonzero(result.done)
    ]


def lattice_table(sample: Sample, unit: str) -> list[dict[str, str]]:
    """Return the median and the quartiles of the lattice parameters of each fitted class."""
    unit = f" {unit_name(unit)}"
    rows = []
    for name in CLASSES[:5]:
        here = sample.metric_labels == LABELS[name]
        if here.any():
            values = {key: values[here] for key, values in sample.lattice.items()}
            rows.append(
                {
                    "class": name,
                    "color": COLORS[name],
                    "windows": str(here.sum()),
                    "a": _quartiles(values["a"], unit),
                    "b": _quartiles(values["b"], unit),
                    "gamma": _quartiles(values["gamma"], "°"),
                }
            )
    return rows


def _quartiles(values: NDArray[np.float32], unit: str) -> str:
    low, median, high = np.nanpercentile(values, _QUARTILES)
    return f"{median:.4g}{unit} ({low:.4g} to {high:.4g})"


def growth_table(fit: GrowthFit) -> list[tuple[str, str]]:
    """Return the estimates of a growth law with their 95 % intervals."""
    return [
        (name, f"{each.value:.4g} {each.unit} ({each.low:.4g} to {each.high:.4g})")
        for name, each in fit.estimates.items()
    ]


def parameter_table(parameters: AnalysisParameters) -> list[tuple[str, str, str]]:
    """Return title, value and meaning of every setting."""
    return [
        (field.title or name, _in_words(getattr(parameters, name)), field.description or "")
        for name, field in AnalysisParameters.model_fields.items()
    ]


def origin_table(result: MovieResult) -> list[tuple[str, str]]:
    """Return where a result comes from, versions left out."""
    y, x = result.pixel_size
    calibrated = result.unit != PIXEL
    about = result.provenance
    rows = [
        ("Source", result.source or "an array, or a layer without a file"),
        *((name.replace("_", " ").capitalize(), about[name]) for name in CHOICE if about.get(name)),
        ("Frame size", f"{result.grid.frame_shape[0]} x {result.grid.frame_shape[1]} px"),
        ("Pixel size", f"{y:.5g} x {x:.5g} {result.unit} (y, x)" if calibrated else "not known"),
        ("Frame time", "not known" if result.frame_time is None else f"{result.frame_time:.6g} s"),
        ("Calibration from", about.get("calibration_source") or "not known"),
    ]
    return rows + list(_flat(about, skip=("versions", "source", "calibration_source", *CHOICE)))


def versions_table(result: MovieResult) -> list[tuple[str, str]]:
    """Return the versions that made a result."""
    versions = result.provenance.get("versions")
    return list(_flat(versions)) if isinstance(versions, Mapping) else []


def _flat(
    values: Mapping[str, Any], skip: tuple[str, ...] = (), before: str = ""
) -> Iterator[tuple[str, str]]:
    """List nested values in one level."""
    for name, value in values.items():
        if name in skip:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, before=f"{before}{name} ")
        else:
            yield f"{before}{name}".replace("_", " "), _in_words(value)


def _in_words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _calibration_options(result: MovieResult) -> list[str]:
    """Return the options that say what was set by hand."""
    options = []
    if result.unit != PIXEL:
        height, width = result.pixel_size
        options += ["--pixel-size", f"{width!r},{height!r}"]
    if result.frame_time is not None:
        options += ["--frame-time", repr(result.frame_time)]
    return options


def command_line(result: MovieResult) -> str:
    """Return the command that makes a result again."""
    words = ["lattice-symmetry", "analyze", result.source or "MOVIE"]
    for name in CHOICE:
        if result.provenance.get(name):
            words += [f"--{name.replace('_', '-')}", str(result.provenance[name])]
    if str(result.provenance.get("calibration_source")).endswith(BY_HAND):
        words += _calibration_options(result)
    for name, field in AnalysisParameters.model_fields.items():
        value = getattr(result.parameters, name)
        option = f"--{name.replace('_', '-')}"
        if value == field.default and name != "seed":
            continue
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option[2:]}")
        elif isinstance(value, tuple):
            words += [option, *(repr(entry) for row in value for entry in row)]
        else:
            words += [option, str(value)]
    return shlex.join(words)
