"""The operations as they are written: one that is not exported fails its own test, and stops no other."""

import tinygrad_cnn
from tinygrad_cnn import ops as exported

from .rooms import defined_in, modules_of


class _Written:
    def __getattr__(self, name):
        if hasattr(exported, name):
            return getattr(exported, name)
        return next(found[name] for found in map(defined_in, modules_of(tinygrad_cnn)) if name in found)


ops = _Written()
