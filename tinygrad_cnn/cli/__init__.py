"""The command ``tinygrad-cnn``: train networks on images, score them, and let them read pictures.

Exit status: 0 for success, 1 for a loss that is not finite or shows divergence, 2 for bad input, 130 after
Ctrl-C, 141 if nobody reads the output any more, 143 after SIGTERM. A training that is stopped saves first;
one that fails keeps its last good epoch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .. import __version__, train
from ..tuning import tune
from .arguments import parser
from .output import complain

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; if its input is bad, print one line that says so on standard error.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SystemExit
        If argparse ends the command: after ``--help`` or ``--version``, and with status 2 for a bad argument.

    Examples
    --------
    >>> main(["evaluate", "missing.safetensors"])  # prints one line on standard error
    2
    """
    args = parser(__version__).parse_args(argv)
    try:
        if "threads" in args:
            tune(threads=args.threads)
        return args.run(args) or 0
    except BrokenPipeError:  # whoever read the output has enough of it, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
        return 141
    except KeyboardInterrupt:
        return complain("interrupted", 130)
    except train.NonFiniteLossError as error:
        return complain(error, 1)
    except (OSError, ValueError, TypeError, ImportError, MemoryError) as error:
        return complain(error, 2)
