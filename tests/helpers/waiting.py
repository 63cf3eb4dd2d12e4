"""How long tests wait for what has to come: far longer than a machine five times slower takes."""

PATIENCE = 120
"""Seconds; what Qt waits for has them by the fixture ``qtbot``."""
