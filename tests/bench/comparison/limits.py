"""How many threads a process may use.

The process is bound to as many cores as it may have threads. That is the strictest way, and the same for
everybody: no library can start work on another core, whatever variable it listens to. (XLA has no documented
setting for its own threads; it makes as many as it sees cores.) The variables are set besides, so that nobody
starts more threads than there are cores for them.
"""

import os

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def cores(threads):
    """The last cores of those that this process may use: the first ones serve the machine's interrupts."""
    usable = sorted(os.sched_getaffinity(0))
    if threads > len(usable):
        raise ValueError(f"{threads} threads were asked for, and there are {len(usable)} cores")
    return usable[-threads:]


def apply(threads):
    """Limit this process; to be called before any library is imported, for they look once."""
    os.sched_setaffinity(0, cores(threads))
    for variable in VARIABLES:
        os.environ[variable] = str(threads)
