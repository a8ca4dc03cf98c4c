"""`tune`, which a program that trains calls once, at its start."""

from __future__ import annotations

from .checks import integer
from .kernels import parallel
from .kernels.memory import keep_heap

__all__ = ["tune"]

_MOST_THREADS = 1024  # more than a machine has cores; far more than pay


def tune(*, threads: int | None = None) -> None:
    """Set this process up for training: it keeps the memory that it frees, and shares work between threads.

    No import does that, because it changes the whole process: its heap stays large (with glibc; another C
    library is left as it is), and BLAS is kept to one thread. Results do not depend on it, beyond rounding.

    Parameters
    ----------
    threads : int, optional
        The number of threads that share each convolution, pooling, product and rectifier that is large
        enough; 2 were measured to pay. BLAS itself is then kept to one thread, on which small products are
        faster; that needs the package threadpoolctl (in the extra ``train``). By default threads are left
        alone. A process that is at its end, in a function given to `atexit`, keeps to one thread.

    Raises
    ------
    TypeError
        If ``threads`` is no integer.
    ValueError
        If ``threads`` is below 1, or more than 1024.
    ImportError
        If ``threads`` is given, and threadpoolctl is not installed.

    Examples
    --------
    >>> import tinygrad_cnn as tg
    >>> tg.tune()
    """
    if threads is not None and integer("tune: threads", threads, 1) > _MOST_THREADS:
        raise ValueError(f"tune: threads: expected at most {_MOST_THREADS}, got {threads}")
    keep_heap()
    if threads is None:
        return
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            "tune: threads: keeping BLAS to one thread needs threadpoolctl: pip install 'tinygrad-cnn[train]'"
        ) from None
    threadpool_limits(1, user_api="blas")
    parallel.set_threads(threads)
