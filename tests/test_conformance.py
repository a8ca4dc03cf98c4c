"""Every primitive of the package passes every property, each on examples of its own.

Functions that are made of primitives pass them too, on fewer examples: see `testing/test_mutants.py`.
"""

import records

from tinygrad_cnn.tape import Primitive
from tinygrad_cnn.testing import conformance

for _case in records.CASES:
    if isinstance(_case.function, Primitive):
        globals()[f"test_{_case.name}"] = conformance(_case)
