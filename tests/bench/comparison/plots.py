"""The ratios by batch, a plot for the training step and one for inference."""

import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullLocator

from . import tables
from .sides import SIDES

TITLES = {"step": "Training step of the baseline network", "inference": "Inference of the baseline network"}
COLOURS = dict(zip(SIDES, plt.get_cmap("tab10").colors, strict=False))
MARKERS = dict(zip(SIDES, "oooXsD^vP", strict=True))
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


def draw(axes, rows, threads):
    """One setting of threads: a line a peer, with the quartiles as bars, and the bounds as short strokes."""
    series = {}
    for record, value, bound in rows:
        if record["threads"] == threads and value is not None:
            series.setdefault(record["peer"], []).append((record["case"], value, bound))
    for peer, points in series.items():
        batches = [batch for batch, _, _ in points]
        ratios = [value.value for _, value, _ in points]
        spread = [
            [max(0, v.value - v.quartiles[0]) for _, v, _ in points],  # of a ratio of medians, not a median
            [max(0, v.quartiles[1] - v.value) for _, v, _ in points],
        ]
        style = {"color": COLOURS[peer], "marker": MARKERS[peer]}
        axes.errorbar(batches, ratios, spread, label=SIDES[peer].title, capsize=2, lw=1.4, ms=5, **style)
    for batch, bound, peers in bounds(series):
        colour = COLOURS[peers[0]] if len(peers) == 1 else "black"
        axes.plot([batch * 0.8, batch * 1.25], [bound, bound], color=colour, lw=2.5, alpha=0.6)
    axes.axhline(1, color="black", lw=1)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    batches = sorted({batch for points in series.values() for batch, _, _ in points})
    axes.xaxis.set_major_locator(FixedLocator(batches))
    axes.xaxis.set_major_formatter(lambda batch, _: f"{batch:g}")
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.grid(alpha=0.3)
    axes.set_xlabel("batch")
    axes.set_title(f"{threads} thread{'s' * (threads > 1)}")


def bounds(series):
    """Every bound of a batch once, lest one stroke hide another: (batch, bound, the peers it is for)."""
    found = {}
    for peer, points in series.items():
        for batch, _, bound in points:
            if bound is not None:
                found.setdefault((batch, bound), []).append(peer)
    return [(batch, bound, peers) for (batch, bound), peers in found.items()]


def save(section, result, folder: Path):
    """Write ``SECTION.png`` and ``SECTION.svg``."""
    rows = list(tables.rows(result["records"]))
    settings = sorted({record["threads"] for record, _, _ in rows})
    figure, panels = plt.subplots(
        1, len(settings), figsize=(1.5 + 5 * len(settings), 5.2), sharey=True, squeeze=False
    )
    for axes, threads in zip(panels[0], settings, strict=True):
        draw(axes, rows, threads)
    panels[0][0].set_ylabel("time of tinygrad_cnn / time of the peer")
    entries = {}
    for axes in panels[0]:
        entries |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    entries["bound (black: of several peers)"] = plt.Line2D([], [], color="black", lw=2.5, alpha=0.6)
    columns = 2 * len(settings)
    figure.legend(entries.values(), entries.keys(), loc="lower center", ncol=columns, frameon=False)
    figure.suptitle(f"{TITLES[section]}: below 1, tinygrad_cnn is faster")
    figure.tight_layout(rect=(0, 0.05 + 0.04 * math.ceil(len(entries) / columns), 1, 1))
    for suffix in ("png", "svg"):
        figure.savefig(folder / f"{section}.{suffix}", dpi=130)
    plt.close(figure)
