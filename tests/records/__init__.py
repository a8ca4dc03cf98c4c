"""One record for each operation, in files cut by family: what every table of tests reads.

A new operation is its function with its rules, its export, and its record here. Each file that defines
``RECORDS`` is read.
"""

import importlib
import pkgutil

from .drawn import drawn
from .record import Record, calls_of

__all__ = ["CASES", "EVERYTHING", "RECORDS", "calls_of", "drawn"]

_FILES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
EVERYTHING = [one for file in _FILES for one in getattr(file, "RECORDS", ())]
RECORDS = [one for one in EVERYTHING if isinstance(one, Record)]
CASES = [one.case for one in EVERYTHING]
