"""What can go wrong, as sentences for the person at the microscope."""


class LatticeSymmetryError(Exception):
    """Base of all errors whose message is meant for the user as it stands."""


class InputError(LatticeSymmetryError, ValueError):
    """A file, an array or a parameter is not what it has to be."""


class ModelError(LatticeSymmetryError):
    """A network cannot be loaded or does not fit."""


class AnalysisError(LatticeSymmetryError):
    """An analysis stopped in the middle.

    Also stands in for ``RuntimeError``, which generator-based Qt workers swallow.
    """
