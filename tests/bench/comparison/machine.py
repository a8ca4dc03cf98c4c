"""Where something was measured: the processor, the system, the versions."""

import importlib.metadata
import os
import platform
from pathlib import Path

from .sides import SIDES


def cpu_model():
    """The processor's name, as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def description():
    """Everything that is written beside numbers."""
    packages = [package for side in SIDES.values() for package in side.packages]
    versions = {"Python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "versions": versions,
        "load": os.getloadavg()[0],
    }
