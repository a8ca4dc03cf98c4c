"""Pictures show the numbers they are given, fit small screens, and follow the style that is in use."""

import importlib
import itertools
import re
import sys

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from house import MODULES
from matplotlib.figure import Figure

from tinygrad_cnn import plot
from tinygrad_cnn.plot.picture import tiled
from tinygrad_cnn.train import History

RNG = np.random.default_rng(3)
IMAGES = RNG.random((3, 1, 12, 12))
ROWS = [
    {
        "epoch": n,
        "step": 9 * n,
        "loss": 2.0 / n,
        "accuracy": 0.9,
        "test_loss": 3.0 / n,
        "val_loss": 1.0,
        "seconds": 1.0,
    }
    for n in range(1, 6)
]
LONG = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
PICTURES = {
    "adversarial": lambda: plot.adversarial(
        IMAGES, IMAGES[::-1], ["ankle boot, 100%"] * 3, ["pullover, 95%"] * 3
    ),
    "confusion_matrix": lambda: plot.confusion_matrix(RNG.integers(0, 1000, (10, 10)), LONG),
    "curves": lambda: plot.curves(History(ROWS)),
    "feature_maps": lambda: plot.feature_maps(
        RNG.random((3, 12, 12)),
        {"conv1": RNG.random((12, 10, 10)), "pool": RNG.random((9, 1, 1)), "dense": RNG.random(100)},
    ),
    "filters": lambda: plot.filters(RNG.standard_normal((11, 3, 5, 5))),
    "losses_between": lambda: plot.losses_between([0, 1, 2], {"train": [3, 2, 1], "test": [4, 3, 2]}),
    "mistakes": lambda: plot.mistakes(IMAGES, ["ankle boot"] * 3, ["sneaker"] * 3, [0.5, 0.9, 1.0]),
    "saliency": lambda: plot.saliency(IMAGES, {"gradient": IMAGES - 0.5, "Grad-CAM": np.ones((3, 4, 4))}),
}  # fmt: skip


def texts(figure):
    """The texts of a figure, each with its box in pixels, but for ticks beyond the ends of an axis."""
    figure.draw_without_rendering()  # which places all texts
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            hidden |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    found = [text for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text().strip()]
    return [(text, text.get_window_extent()) for text in found if text not in hidden]


def test_no_picture_is_left_out():
    assert list(PICTURES) == plot.__all__


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_readable_on_a_small_screen(name):
    """It is 500 pixels wide, all texts lie inside, none runs into another, and none is tiny."""
    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    assert figure.bbox.width <= 500
    found = texts(figure)
    for text, box in found:
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text
        assert text.get_fontsize() >= 8
    for (one, first), (other, second) in itertools.combinations(found, 2):
        assert not first.shrunk(0.95, 0.95).overlaps(second.shrunk(0.95, 0.95)), (one, other)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_follows_the_style_and_changes_nothing_of_it(name):
    with mpl.style.context("dark_background"):
        before = dict(mpl.rcParams)
        figure = PICTURES[name]()
        assert dict(mpl.rcParams) == before
    assert figure.get_facecolor()[:3] == (0, 0, 0)
    labels = [axes.title for axes in figure.axes] + [axes.xaxis.label for axes in figure.axes]
    assert {mpl.colors.to_hex(text.get_color()) for text in labels} == {"#ffffff"}


def test_no_state_of_pyplot_is_used():
    sources = [path.read_text() for name, path in MODULES.items() if name.startswith("tinygrad_cnn.plot")]
    assert len(sources) > 4
    assert not [source for source in sources if re.search(r"import .*pyplot|plt\.", source)]


def test_a_notebook_shows_a_figure_by_itself():
    assert PICTURES["losses_between"]()._repr_png_()[:4] == b"\x89PNG"


def test_lines_differ_by_marks_and_dashes_and_show_the_rows():
    losses, scores = plot.curves(History(ROWS)).axes
    assert [line.get_label() for line in losses.lines] == ["loss", "test loss", "val loss"]
    assert [line.get_label() for line in scores.lines] == ["accuracy"]
    np.testing.assert_array_equal(
        losses.lines[1].get_xydata(), [(row["epoch"], row["test_loss"]) for row in ROWS]
    )
    assert (
        len({line.get_marker() for line in losses.lines})
        == len({line.get_linestyle() for line in losses.lines})
        == 3
    )
    assert plot.curves(History()).axes[0].lines[:] == []


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("name", ["viridis", "cividis", "gray", "Blues"])
def test_each_count_can_be_read_on_its_cell(name):
    """Text and ground have the contrast of 3 that WCAG asks for, on whatever colour map is in use."""
    counts = np.arange(100).reshape(10, 10)
    with mpl.rc_context({"image.cmap": name}):
        axes = plot.confusion_matrix(counts).axes[0]
    for text in axes.texts:
        column, row = text.get_position()
        assert text.get_text() == str(counts[row, column])
        ground = axes.images[0].to_rgba(axes.images[0].get_array()[row, column])
        light, dark = sorted((luminance(text.get_color()), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_large_matrix_has_no_numbers_and_another_number_of_names_is_refused():
    assert not plot.confusion_matrix(np.eye(30)).axes[0].texts
    with pytest.raises(ValueError, match=r"expected counts of shape \(3, 3\), got \(2, 2\)"):
        plot.confusion_matrix(np.eye(2), "abc")


def test_tiles_lie_where_a_loop_puts_them():
    maps = RNG.random((5, 2, 3))
    found = tiled(maps, 2, gap=1)
    assert found.shape == (8, 7)
    for i, row, column in np.ndindex(maps.shape):
        assert found[i // 2 * 3 + row, i % 2 * 4 + column] == maps[i, row, column]
    assert np.isnan(found).sum() == found.size - maps.size


def test_what_is_shown_of_filters_and_gradients():
    weight = np.array([[[[1.0, -2.0], [0.0, 2.0]]]])
    np.testing.assert_allclose(plot.filters(weight).axes[0].images[0].get_array(), [[0.75, 0], [0.5, 1]])
    colours = RNG.standard_normal((2, 3, 8, 8))
    figure = plot.saliency(np.zeros((2, 3, 8, 8)), {"gradient": colours})
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), np.abs(colours[1]).max(0))
    for refused in (np.ones((2, 2, 3, 3)), np.ones((3, 3))):
        with pytest.raises(ValueError, match="filters: weight: expected shape"):
            plot.filters(refused)
    with pytest.raises(ValueError, match="'a': expected shape"):
        plot.feature_maps(IMAGES[0], {"a": np.ones((2, 2))})


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "tinygrad_cnn.plot")
    with pytest.raises(ImportError, match=r"pip install 'tinygrad-cnn\[plot\]'"):
        importlib.import_module("tinygrad_cnn.plot")
