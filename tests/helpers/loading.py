"""What an interpreter of its own has loaded: counts, unlike times, are alike on all machines."""

from __future__ import annotations

import json
import subprocess
import sys


def modules_after(statements: str) -> set[str]:
    """Full names of the modules that there are after `statements`."""
    code = f"{statements}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def libraries_after(statements: str) -> set[str]:
    """Names of the packages, without their modules, that there are after `statements`."""
    return {name.partition(".")[0] for name in modules_after(statements)}
