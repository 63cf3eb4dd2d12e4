from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from napari_lattice_symmetry.structure.simplex import (
    find_vertices,
    mix,
    principal_axes,
    suggest_components,
)


def mixtures(k, noise, n=1500, d=200, seed=0):
    """Windows that are mixtures of `k` spectra of `d` frequencies; the first `k` are pure."""
    rng = np.random.default_rng(seed)
    pure = rng.uniform(size=(k, d))
    shares = np.concatenate([np.eye(k), rng.dirichlet(np.full(k, 0.5), size=n - k)])
    return shares @ pure + noise * rng.standard_normal((n, d)), pure, shares


def suggest(points, most=12):
    center, _, variances = principal_axes(points, most)
    total = np.square(points - center).sum(axis=1).mean()
    return suggest_components(variances, total, min(points.shape))


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
def test_the_number_of_components_is_found(k, noise):
    assert suggest(mixtures(k, noise)[0]) == k


def test_noise_may_be_stronger_at_some_frequencies_and_common_to_neighbors():
    points, _, _ = mixtures(4, 0)
    rng = np.random.default_rng(1)
    white = rng.standard_normal(points.shape)
    noise = (white + np.roll(white, 1, axis=1)) * np.linspace(0.02, 0.15, points.shape[1])
    assert suggest(points + noise) == 4


def test_points_that_are_all_the_same_are_one_component():
    center, axes, variances = principal_axes(np.ones((20, 5)), 3)
    assert suggest_components(variances, 0.0, 5) == 1
    np.testing.assert_array_equal(center, np.ones(5))
    assert axes.shape == (3, 5)


def test_principal_axes_are_those_of_the_covariance():
    points, _, _ = mixtures(4, 0.1, d=30)
    center, axes, variances = principal_axes(points, 5)
    values, vectors = np.linalg.eigh(np.cov(points.T, bias=True))
    np.testing.assert_allclose(variances, values[::-1][:5])
    np.testing.assert_allclose(np.abs(axes @ vectors[:, ::-1][:, :5]), np.eye(5), atol=1e-6)
    np.testing.assert_allclose(center, points.mean(axis=0))


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_pure_points_are_found_among_their_mixtures(k):
    points, _, shares = mixtures(k, 0)
    center, axes, _ = principal_axes(points, 12)
    scores = (points - center) @ axes[: k - 1].T
    found = find_vertices(scores)
    assert sorted(found) == list(range(k))
    if k > 1:
        np.testing.assert_allclose(mix(scores, scores[found]), shares[:, found], atol=1e-8)


def test_no_other_simplex_of_points_is_larger():
    rng = np.random.default_rng(3)
    points = rng.standard_normal((40, 2))

    def area(corners):
        return abs(np.linalg.det(np.column_stack([np.ones(3), points[list(corners)]])))

    found = find_vertices(points)
    for corner in range(3):
        for other in range(len(points)):
            corners = [*found[:corner], other, *found[corner + 1 :]]
            assert area(corners) <= area(found) * (1 + 1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_shares_are_those_of_nonnegative_least_squares(k, d, seed):
    rng = np.random.default_rng(seed)
    vertices, points = rng.normal(size=(k, d)), rng.normal(scale=2, size=(20, d))
    shares = mix(points, vertices)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    heavy = 1e4  # a row that all but fixes the sum
    system = np.vstack([vertices.T, np.full(k, heavy)])
    for point, share in zip(points, shares, strict=True):
        expected, _ = nnls(system, np.append(point, heavy))
        distance, least = (np.linalg.norm(point - s @ vertices) for s in (share, expected))
        assert distance <= least + 1e-5


def test_points_that_are_not_finite_have_no_shares():
    shares = mix(np.array([[0.2], [np.nan]]), np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(shares, [[0.8, 0.2], [np.nan, np.nan]])


@pytest.mark.parametrize("k", [2, 3, 4])
def test_what_borders_add_is_no_component(k):
    points, _, shares = mixtures(k, 0.02)
    # Two grains in a window interfere: something of their product is seen beside their sum.
    border = 1 - np.square(shares).sum(axis=1)
    strange = np.random.default_rng(5).uniform(-1, 1, points.shape[1])
    variance = np.square(points - points.mean(axis=0)).sum(axis=1).mean()
    seen = (0.04 * variance / (border.var() * np.square(strange).sum())) ** 0.5
    assert suggest(points + seen * border[:, np.newaxis] * strange) == k
