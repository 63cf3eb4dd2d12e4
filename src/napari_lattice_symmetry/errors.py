"""What can go wrong, as sentences for the person at the microscope."""

from __future__ import annotations

from collections.abc import Sequence


class LatticeSymmetryError(Exception):
    """Base of all errors whose message is meant for the user as it stands."""


class InputError(LatticeSymmetryError, ValueError):
    """A file, an array or a parameter is not what it has to be."""


class ChoiceError(InputError):
    """A file holds several images, and the one that was meant is not named, or not there.

    Parameters
    ----------
    message : str
        The sentence.
    keyword : {"dataset", "channel"}
        What is to be chosen, as `read_movie` calls it.
    choices : sequence of str
        The names to choose from.
    """

    def __init__(  # without defaults it could not be unpickled
        self, message: str, keyword: str = "dataset", choices: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.keyword, self.choices = keyword, tuple(choices)


class ModelError(LatticeSymmetryError):
    """A network cannot be loaded or does not fit."""


class AnalysisError(LatticeSymmetryError):
    """An analysis stopped in the middle.

    Also stands in for ``RuntimeError``, which generator-based Qt workers swallow.
    """
