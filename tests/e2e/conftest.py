"""No test of a whole program sees what another has left behind."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _forgetful(forgetful):
    pass
