"""Functions that the package makes of a user's function, such as ``grad(f)``, and that can be pickled."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PACKAGE = str(Path(__file__).parent)


class Made:
    """A function made of another one, which is its ``__wrapped__``; it is pickled as how it was made.

    Under a decorator it has the name of that other function, and is pickled by its name, as functions are. It
    becomes a method in a class, and a copy of it is itself.

    Examples
    --------
    >>> def once_more(f):
    ...     return made(once_more, f)(lambda x: f(f(x)))
    >>> once_more(abs), once_more(abs)(-2)
    (<once_more of <built-in function abs>>, 2)
    """

    __wrapped__: Callable[..., Any]
    __name__: str
    __qualname__: str

    def __init__(
        self,
        make: Callable[..., Any],
        f: Callable[..., Any],
        options: dict[str, Any],
        call: Callable[..., Any],
    ) -> None:
        functools.update_wrapper(self, f)  # it copies the attributes of `f`, which may be one of these itself
        self._make, self._options, self._call = make, options, call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function that was made."""
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self._make.__name__} of {self.__wrapped__!r}>"

    def __copy__(self) -> Made:
        return self

    def __deepcopy__(self, memo: Any) -> Made:
        return self

    def __reduce__(self) -> Any:
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for name in getattr(self, "__qualname__", "").split("."):
            found = getattr(found, name, None)
        if found is self:
            return self.__qualname__
        return functools.partial(self._make, **self._options), (self.__wrapped__,)


def made(
    make: Callable[..., Any], f: Callable[..., Any], **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate what ``make(f, **options)`` returns.

    Examples
    --------
    >>> made(map, abs)(lambda x: -x)(1)
    -1
    """
    return functools.partial(Made, make, f, options)


def level_of_user() -> int:
    """Return the ``stacklevel`` at which `warnings.warn`, in the caller, names the code beyond the package.

    Examples
    --------
    >>> level_of_user()
    1
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
