"""The files of the pages: HTML, style and scripts, as they stand in the folder beside this file."""

import importlib.resources


def static(name: str) -> str:
    """Return the text of a file of a page."""
    return importlib.resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8")
