"""The notebooks hold no outputs, and their cells run: as plain Python with few digits, and in a kernel."""

import json
from pathlib import Path

import pytest

from tinygrad_cnn import data

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    return [
        cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind
    ]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == 4


@every_notebook
def test_a_notebook_holds_no_outputs_and_explains_what_it_does(path):
    assert [
        cell for cell in cells(path, "code") if cell["outputs"] or cell["execution_count"] is not None
    ] == []
    texts = ["".join(cell["source"]) for cell in cells(path, "markdown")]
    assert texts[0].startswith("# ")
    assert len(texts) >= 5
    assert max(len(line) for text in texts for line in text.splitlines()) <= 120


@every_notebook
def test_the_cells_run_as_plain_python(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    few = data.digits(100, 40)  # in the place of a thousand
    monkeypatch.setattr(data, "digits", lambda *sizes: few)
    names = {}
    for number, cell in enumerate(cells(path, "code")):
        exec(compile("".join(cell["source"]), f"{path.stem}: cell {number}", "exec"), names)
    assert capsys.readouterr().out


@pytest.mark.slow
@every_notebook
def test_a_kernel_shows_what_each_cell_ends_with(path, tmp_path):
    """A figure is shown as a picture, and a table as HTML, without any setting of the notebook."""
    client, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    client.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            last = cell.source.splitlines()[-1]
            shown = [kind for output in cell.outputs for kind in output.get("data", {})]
            if last.startswith("plot."):
                assert "image/png" in shown, last
            if last.startswith(("nn.summary", "tg.tree.table", "tg.explain", "history", "program", "z")):
                assert "text/html" in shown, last
