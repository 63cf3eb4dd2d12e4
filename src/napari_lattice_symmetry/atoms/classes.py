"""Classes of columns by how bright their sites are, without training.

The brightness of a site is the median over its column and those a lattice vector away, which are of
the same sublattice. So noise of single columns is averaged, and a column of another brightness than
its site stays of the class of its site: it is a defect. Where there is no lattice, each column
counts alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from napari_lattice_symmetry.atoms.defects import frame_of, of_sublattice
from napari_lattice_symmetry.atoms.table import ATOM, Atoms, join
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError

Float = NDArray[np.float64]

NAMES = {1: (ATOM,), 2: ("light", "heavy"), 3: ("light", "mixed", "heavy")}
"""Classes from the dimmest to the brightest, by their number."""

PROBABILITY = "probability_"
"""How the columns begin that hold the probability of the class after it."""

_STEPS = 100
_MIN_COLUMNS = 4  # columns of a class
_APART = 3.0  # standard deviations by which classes differ at least


def classify(
    frame: Movie | ArrayLike,
    atoms: Atoms,
    classes: int | None = None,
    names: Sequence[str] | None = None,
) -> Atoms:
    """Tell light from heavy columns by the brightness of their sites.

    Parameters
    ----------
    frame : Movie or array_like, shape (Y, X) or (T, Y, X)
        Where they were found.
    atoms : Atoms
        As `find_atoms` gives them.
    classes : {1, 2, 3}, optional
        How many there are; if not given, the most that are 3 standard deviations apart and explain
        brightness best (the least Bayesian information criterion).
    names : sequence of str, optional
        Of the classes from the dimmest to the brightest, such as ("S", "Mo"); so many there are.

    Returns
    -------
    Atoms
        With these names as labels, else with "light" and "heavy", with "mixed" between them, or
        "atom" where all are alike, and the columns ``class_probability`` (of the label),
        ``probability_heavy`` and so on for each class, and ``site_brightness``.

    Raises
    ------
    InputError
        If there is no such number of classes, names are empty or said twice, a frame has less than
        four atoms a class, or the atoms are not of this movie.

    Examples
    --------
    >>> picture = nls.atoms.AtomImage(material="MoS2", spacing=14, size=160).draw()
    >>> told = nls.atoms.classify(picture.image, picture.atoms)
    >>> sorted(set(told.label.tolist()))
    ['heavy', 'light']
    """
    if names is not None:
        classes = len(names)
        if len(set(names)) < classes or not all(names):
            raise InputError(f"The names {', '.join(names)} have to be different, none empty.")
    if classes is not None and classes not in NAMES:
        raise InputError(f"{classes} classes cannot be told; choose 1, 2 or 3.")
    movie = frame if isinstance(frame, Movie) else Movie.from_array(frame, name=atoms.name)
    numbers = np.unique(atoms.frame).tolist()
    called = {len(names): tuple(names)} if names else NAMES
    parts = [
        _of_frame(movie, atoms[atoms.frame == number], number, classes, called)
        for number in numbers
    ]
    # A class that a frame has not has the probability 0 there.
    titles = dict.fromkeys(title for part in parts for title in part.more)
    whole = [
        part.with_columns(
            **{title: np.zeros(len(part)) for title in titles if title not in part.more}
        )
        for part in parts
    ]
    return join(whole) if whole else atoms


def _of_frame(
    movie: Movie,
    atoms: Atoms,
    number: int,
    classes: int | None,
    called: Mapping[int, tuple[str, ...]],
) -> Atoms:
    seen = frame_of(movie, atoms, number)
    own = seen.brightness(atoms.positions)
    sites = of_sublattice(seen, own)
    if classes and classes * _MIN_COLUMNS > len(sites):
        raise InputError(
            f"{movie.name}: {len(sites)} atoms in frame {number} are too few to tell {classes} "
            f"classes; {classes * _MIN_COLUMNS} are needed."
        )
    chosen = [classes] if classes else [1, 2, 3]
    fits = [_mixture(sites, n) for n in chosen if n * _MIN_COLUMNS <= len(sites)] or [
        _mixture(sites, 1)
    ]
    kept = [fit for fit in fits if classes or _are_apart(fit)]
    probability = min(kept or fits[:1], key=lambda fit: fit[1])[0]
    names = called[probability.shape[1]]
    each = {f"{PROBABILITY}{name}": probability[:, i] for i, name in enumerate(names)}
    return atoms.with_columns(
        label=np.array(names)[probability.argmax(axis=1)],
        class_probability=probability.max(axis=1),
        site_brightness=sites,
        **each,
    )


_Fit = tuple[Float, float, Float, Float]


def _mixture(values: Float, n: int) -> _Fit:
    """Fit n normal distributions of a common least width by expectation and maximization.

    Returns
    -------
    probability : ndarray, shape (values, n)
        Of each, from the lowest mean to the highest.
    criterion : float
        Bayesian information criterion.
    means, widths : ndarray, shape (n,)
    """
    means = np.quantile(values, (np.arange(n) + 0.5) / n)
    floor = 0.02 * float(values.std()) + 1e-12
    widths, shares = np.full(n, values.std() / n + floor), np.full(n, 1 / n)
    for _ in range(_STEPS):
        logs = np.log(shares) - np.log(widths)
        logs = logs - 0.5 * np.square((values[:, np.newaxis] - means) / widths)
        total = logsumexp(logs, axis=1)
        probability = np.exp(logs - total[:, np.newaxis])
        weight = probability.sum(axis=0) + 1e-9
        means = probability.T @ values / weight
        spread = np.square(values[:, np.newaxis] - means)
        widths = np.sqrt((probability * spread).sum(axis=0) / weight) + floor
        shares = weight / weight.sum()
    likelihood = float(total.sum()) - 0.5 * len(values) * np.log(2 * np.pi)
    order = np.argsort(means)
    criterion = (3 * n - 1) * np.log(len(values)) - 2 * likelihood
    lowest_first = np.asarray(probability[:, order], dtype=np.float64)
    return lowest_first, float(criterion), np.asarray(means)[order], np.asarray(widths)[order]


def _are_apart(fit: _Fit) -> bool:
    probability, _, means, widths = fit
    gaps = np.diff(means) / np.maximum(widths[1:], widths[:-1])
    counts = probability.sum(axis=0)
    return bool((gaps > _APART).all() and (counts >= _MIN_COLUMNS).all())
