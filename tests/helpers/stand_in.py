"""A stand-in for a network, importable by name, so that other processes know it too."""

from __future__ import annotations

import os
import time
from uuid import uuid4

import numpy as np

BLOCK = 64


class FakeBlock:
    """A `Classification` of whatever probabilities it is given, shape (samples, n, 6)."""

    peaks = None

    def __init__(self, samples):
        safe = np.clip(samples, 1e-12, 1)
        mean = samples.mean(axis=0)
        self.mean = mean.astype(np.float32)
        self.std = samples.std(axis=0).astype(np.float32)
        entropy = -(np.clip(mean, 1e-12, 1) * np.log(np.clip(mean, 1e-12, 1))).sum(axis=-1)
        expected = -(safe * np.log(safe)).sum(axis=-1).mean(axis=0)
        self.entropy = entropy.astype(np.float32)
        self.mutual_information = (entropy - expected).astype(np.float32)
        self.thinned_totals = np.nansum(samples, axis=1)

    @property
    def label(self):
        known = ~np.isnan(self.mean[:, 0])
        return np.where(known, self.mean.argmax(axis=1) + 1, 0).astype(np.uint8)


class FakeClassifier:
    """The interface of `Classifier` on plain arithmetic: no engine, but sees its windows.

    The gray mean of a window decides its class: 0-9 square, 10-19 rectangular, ... 50-59 noise.
    Thinned network k shifts the logits by a draw from (seed, k).
    """

    name = "fake"
    sha256 = "0" * 64
    engine = "arithmetic"

    def log_odds(self, amplitude, label, distortion=None):
        return np.zeros(len(amplitude))

    def classify_blocks(self, windows, samples=100, seed=0, distortion=None, peaks=False):
        places = list(np.ndindex(windows.shape[:-2]))
        for start in range(0, len(places), BLOCK):
            block = np.stack([windows[place] for place in places[start : start + BLOCK]])
            yield FakeBlock(self._probabilities(block.astype(float), samples, seed))

    def classify(self, windows, samples=100, seed=0, distortion=None, peaks=False):
        return FakeBlock(self._probabilities(np.asarray(windows, dtype=float), samples, seed))

    def features(self, windows, distortion=None):
        gray = np.nan_to_num(np.asarray(windows, dtype=np.float32)).mean(axis=(1, 2))
        return np.exp(-np.square(gray[:, None] / 10 - np.arange(6)))

    def _probabilities(self, windows, samples, seed):
        missing = np.isnan(windows).mean(axis=(1, 2)) > 0.05
        gray = np.where(missing, np.nan, np.nan_to_num(windows).mean(axis=(1, 2)))
        logits = -0.1 * np.abs(gray[:, None] - (np.arange(6) * 10 + 5))
        shifts = [np.random.default_rng([seed, k]).normal(0, 0.3, 6) for k in range(samples)]
        weights = np.exp(logits + np.array(shifts)[:, None])
        return weights / weights.sum(axis=-1, keepdims=True)


class SlowClassifier(FakeClassifier):
    """Takes its time for every block."""

    def __init__(self, seconds):
        self.seconds = seconds

    def log_odds(self, amplitude, label, distortion=None):
        return np.zeros(len(amplitude))

    def classify_blocks(self, windows, samples=100, seed=0, distortion=None, peaks=False):
        for block in super().classify_blocks(windows, samples, seed):
            time.sleep(self.seconds)
            yield block


class CountedClassifier(FakeClassifier):
    """Leaves a file in a folder wherever it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __setstate__(self, state):
        self.__dict__ = state
        (self.folder / f"{os.getpid()}.{uuid4().hex}").touch()
