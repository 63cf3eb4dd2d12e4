"""What can go wrong, as sentences for the person at the microscope."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


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


@contextmanager
def guard(
    what: str,
    kind: type[LatticeSymmetryError] = AnalysisError,
    *,
    advice: str = "",
    unless: tuple[type[Exception], ...] = (LatticeSymmetryError,),
) -> Iterator[None]:
    """Turn whatever goes wrong into one sentence: what, why in brackets, and what helps.

    Parameters
    ----------
    what : str
        How the sentence begins, such as "growth.tif: the analysis failed".
    kind : type
        What is raised.
    advice : str
        How the sentence ends, if there is something that helps.
    unless : tuple of types
        What passes as it is, by default what is a sentence already.

    Raises
    ------
    LatticeSymmetryError
        Of the class `kind`, instead of any other exception.

    Examples
    --------
    >>> with guard("a.tif: frame 3 cannot be read"):
    ...     raise OSError("file is truncated")
    Traceback (most recent call last):
    napari_lattice_symmetry.errors.AnalysisError: a.tif: frame 3 cannot be read (file is truncated).
    """
    try:
        yield
    except unless:
        raise
    except Exception as error:
        raise kind(f"{what} ({first_line(error)}){advice and f'; {advice}'}.") from error


# What these say means little without their name.
_NAMED = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, without a full stop."""
    name = type(error).__name__
    line = str(error).strip().partition("\n")[0].rstrip(". \r")
    if not line:
        return name
    return f"{name}: {line}" if isinstance(error, _NAMED) else line
