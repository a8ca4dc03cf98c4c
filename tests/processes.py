"""Python code in a process of its own, for what changes a process or depends on how it began."""

import os
import subprocess
import sys

from house import PACKAGE


def run(script, *arguments, **environment):
    """Run Python code in a process of its own; its output, or an assertion that shows the error."""
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
