"""The comparison that `run.py` prints: what is measured, how, and what it has to reach.

`problem` says what is computed, `sides` how each framework computes it, `serving` and `contest` how two of
them take turns; `memory`, `imports` and `growth` measure what is not a contest of times. `bars` holds what is
to be reached, `summary` the arithmetic of medians and exponents, `tables` and `plots` what is shown.
"""
