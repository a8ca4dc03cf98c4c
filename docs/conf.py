"""How Sphinx makes the site of these pages: ``sphinx-build -W docs site`` writes it into ``site``."""

import importlib
import importlib.metadata
import types

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

project = "tinygrad_cnn"
release = importlib.metadata.version("tinygrad-cnn")
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["teaching/exercises", "teaching/solutions"]
html_theme = "furo"
html_title = "tinygrad_cnn"
myst_heading_anchors = 3  # pages link to one another's headings
autodoc_typehints = "none"  # the docstrings say what the types and shapes are
numpydoc_show_class_members = False  # methods are listed below their class already


class Members(SphinxDirective):
    """Document all that a module lists in ``__all__``; ``NAME as OTHER`` shows it as exported by OTHER."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Hand one ``autofunction`` or ``autoclass`` a name on to autodoc."""
        name, _, shown_as = self.arguments[0].partition(" as ")
        lines = ["```{eval-rst}"]  # autodoc writes reStructuredText, while the pages are Markdown
        module = importlib.import_module(name)
        for member in sorted(module.__all__, key=str.lower):
            found, full_name = getattr(module, member), f"{shown_as or name}.{member}"
            if isinstance(found, type):
                lines += [f".. autoclass:: {full_name}", "   :members:", ""]
            elif not isinstance(found, types.ModuleType):  # a module has a directive of its own
                lines += [f".. {'autofunction' if callable(found) else 'autodata'}:: {full_name}", ""]
        parent = nodes.section()
        parent.document = self.state.document
        self.state.nested_parse(StringList([*lines, "```"], source=name), self.content_offset, parent)
        return parent.children


def lead_to_the_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """CONTRIBUTING.md lies above this folder, and a page here includes it."""
    source[0] = source[0].replace("(../CONTRIBUTING.md)", "(contributing.md)")


def setup(app: Sphinx) -> None:
    """Add what is not among Sphinx's extensions."""
    app.add_directive("members", Members)
    app.connect("source-read", lead_to_the_page)
