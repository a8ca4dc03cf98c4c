"""The page to draw on, with its server, and the page in one file that needs none."""

from .page import serve
from .standalone import standalone_page

__all__ = ["serve", "standalone_page"]


def __dir__() -> list[str]:
    return __all__
