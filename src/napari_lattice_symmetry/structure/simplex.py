"""Linear unmixing of points: how many components, which points are pure, how much is in each.

If every point is a mixture of a few pure ones, with shares that are positive and add up to one,
then all points lie in the simplex whose vertices the pure ones are.
"""

from __future__ import annotations

from itertools import chain, combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

Float: TypeAlias = NDArray[np.float64]


_BORDERS = 0.055  # of the variance above the noise: windows on borders hold 3 to 5 %


def principal_axes(points: NDArray[np.floating], most: int) -> tuple[Float, Float, Float]:
    """Find the directions in which points vary most.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        At least two points.
    most : int
        Number of axes; fewer if `n` or `d` do not allow so many.

    Returns
    -------
    center : ndarray, shape (d,)
    axes : ndarray, shape (m, d)
        Unit vectors, that of the greatest variance first.
    variances : ndarray, shape (m,)
    """
    center = points.mean(axis=0, dtype=np.float64)
    centered = points - center
    n, d = centered.shape
    m = min(most, n - 1, d - 1)
    if not centered.any():  # nothing to iterate on
        return center, np.eye(m, d), np.zeros(m)
    start = np.random.default_rng(0).standard_normal(min(n, d))
    _, lengths, axes = svds(centered, k=m, v0=start)
    order = np.argsort(lengths)[::-1]
    return center, _oriented(axes[order]), np.asarray(lengths[order] ** 2 / n)


def _oriented(axes: Float) -> Float:
    """Turn each axis so that its largest element is positive: a sign is arbitrary."""
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, np.newaxis], axis=1)
    return np.asarray(axes * np.sign(largest))


def suggest_components(variances: Float, total: float, n: int) -> int:
    """Suggest how many components the points are mixed of, by the ratios of variances.

    K components span K - 1 axes. Where the variance falls most steeply right before the first
    axis, nothing but noise is there, whatever its level and however it is correlated (windows
    overlap): the eigenvalue ratio of Ahn and Horenstein, Econometrica 81, 1203 (2013), with
    their mock variance. Else those axes count that hold more of the variance above the noise
    than borders do, in whose windows spots of two grains broaden and interfere.

    Parameters
    ----------
    variances : ndarray, shape (m,)
        Along the principal axes, in falling order.
    total : float
        Variance along all axes, also those that are left out.
    n : int
        Number of points or of axes in all, whichever is less.

    Returns
    -------
    int
        1 (noise alone) to m.
    """
    variances = np.concatenate([[total / np.log(max(n, 3))], variances])
    floor = 1e-12 * total or 1.0  # rounding errors are no variance
    ratios = (variances[:-1] + floor) / (variances[1:] + floor)
    above = variances[1:] - variances[-1]
    if not ratios.argmax() or not above.any():
        return int(ratios.argmax()) + 1
    return int(np.count_nonzero(above >= _BORDERS * above.sum())) + 1


def find_vertices(points: Float) -> NDArray[np.intp]:
    """Find the points that span the largest simplex, by N-FINDR.

    Winter, Proc. SPIE 3753, 266 (1999). Points far out are taken first; then each vertex in turn
    gives way to the point farthest from the face opposite to it, until no vertex does.

    Parameters
    ----------
    points : ndarray, shape (n, k - 1)
        More than `k` points.

    Returns
    -------
    ndarray, shape (k,)
        Indices of the vertices.
    """
    k = points.shape[1] + 1
    lifted = np.column_stack([np.ones(len(points)), points])
    vertices = [int(np.square(points).sum(axis=1).argmax())]
    while len(vertices) < k:
        apart = points - points[vertices[0]]
        inside = np.linalg.qr(apart[vertices[1:]].T)[0]
        outside = apart - apart @ inside @ inside.T
        vertices.append(int(np.square(outside).sum(axis=1).argmax()))
    moved = True
    while moved:
        moved = False
        for corner in range(k):
            face = vertices[:corner] + vertices[corner + 1 :]
            # The last right singular vector of the face is the normal of its hyperplane.
            distances = np.abs(lifted @ np.linalg.svd(lifted[face])[2][-1])
            farthest = int(distances.argmax())
            if distances[farthest] > distances[vertices[corner]] * (1 + 1e-9):
                vertices[corner], moved = farthest, True
    return np.array(vertices)


def mix(points: NDArray[np.floating], vertices: Float) -> Float:
    """Express points as mixtures of vertices: by the nearest point of their simplex.

    That is least squares with shares that are positive and add up to one. The nearest point lies
    inside one of the faces, from a single vertex to the whole simplex, so it is the nearest one
    of those projections on the faces that fall inside.

    Parameters
    ----------
    points : ndarray, shape (n, d)
    vertices : ndarray, shape (k, d)
        With a k of some ten at most: a simplex has ``2**k - 1`` faces.

    Returns
    -------
    ndarray, shape (n, k)
        Shares, from 0 to 1; NaN for points that are not finite.
    """
    k = len(vertices)
    shares = np.full((len(points), k), np.nan)
    nearest = np.full(len(points), np.inf)
    faces = chain.from_iterable(combinations(range(k), size) for size in range(1, k + 1))
    for face in map(list, faces):
        origin, edges = vertices[face[0]], vertices[face[1:]] - vertices[face[0]]
        along = (points - origin) @ np.linalg.pinv(edges)
        distance = np.square(points - origin - along @ edges).sum(axis=1)
        on_face = np.column_stack([1 - along.sum(axis=1), along])
        better = (distance < nearest) & (on_face >= 0).all(axis=1)
        nearest[better] = distance[better]
        shares[better] = 0
        shares[np.ix_(better, face)] = on_face[better]
    return shares
