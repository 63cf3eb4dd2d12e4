"""Whatever goes wrong becomes one sentence."""

from __future__ import annotations

import pytest

from napari_lattice_symmetry.errors import AnalysisError, InputError, first_line, guard


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError("file is truncated.\nat byte 99"), "file is truncated"),
        (RuntimeError("out of memory"), "out of memory"),
        (MemoryError(), "MemoryError"),
        (KeyError("shape"), "KeyError: 'shape'"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_only_the_first_line_is_told(error, line):
    assert first_line(error) == line
    with pytest.raises(AnalysisError) as caught, guard("growth: the run failed"):
        raise error
    assert str(caught.value) == f"growth: the run failed ({line})."
    assert caught.value.__cause__ is error


def test_kind_and_advice_are_chosen():
    with (
        pytest.raises(InputError, match=r"^it is damaged \(bad header\); make it again\.$"),
        guard("it is damaged", InputError, advice="make it again"),
    ):
        raise OSError("bad header")


def test_what_is_a_sentence_already_passes_unless_it_is_to_be_named():
    error = InputError("growth.tif is no image.")
    with pytest.raises(InputError) as caught, guard("the run failed"):
        raise error
    assert caught.value is error
    with pytest.raises(AnalysisError, match=r"^frame 3 \(growth\.tif is no image\)\.$"):  # noqa: SIM117
        with guard("frame 3", unless=()):
            raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_passes(error):
    with pytest.raises(error), guard("the run failed"):
        raise error


def test_a_generator_is_guarded_to_its_end():
    def steps():
        with guard("the run failed"):
            yield from (1 // n for n in (1, 0))

    iterator = steps()
    assert next(iterator) == 1
    with pytest.raises(AnalysisError, match="the run failed"):
        next(iterator)
