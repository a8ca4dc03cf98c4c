"""The commands ``summary`` and ``datasets``, which tell what there is."""

from __future__ import annotations

import argparse

from .. import nn
from ..data.families import FAMILIES, cache_folder
from ..models import MODELS
from .output import emit, one_line, say, table
from .sources import fetch, load_model, make_layer


def summary(args: argparse.Namespace) -> None:
    """Print the layers of a network, of a saved one or of one by its name."""
    if args.network in MODELS or ".py:" in args.network:
        shape, name = args.image_shape or (1, 28, 28), args.network
        layer = make_layer(name, shape, args.classes)
    else:
        saved = load_model(args, args.network)
        layer, shape, name = saved.layer, saved.shape, saved.name
    found = nn.summary(layer, shape)
    if args.json:
        rows = [row._asdict() for row in found.rows]
        emit(
            {
                "model": name,
                "shape": list(shape),
                "layers": rows,
                "parameters": sum(r["parameters"] for r in rows),
            }
        )
        return
    say(f"{one_line(name)} for images of shape {tuple(shape)}\n\n{found}")


def datasets(args: argparse.Namespace) -> None:
    """Print the data sets that have a name, and where their files are; fetch those that are asked for."""
    for name in args.fetch:
        fetch(name)
    rows: list[tuple[object, ...]] = [("name", "images", "classes", "files")]
    for name, family in FAMILIES.items():
        folder = cache_folder() / name
        there = all((folder / file).exists() for file in family.files)
        shape = "x".join(map(str, family.shape))
        rows.append((name, shape, ", ".join(family.classes), str(folder) if there else "not fetched"))
        if args.json:
            emit({"name": name, "shape": list(family.shape), "classes": list(family.classes),
                  "folder": str(folder) if there else None})  # fmt: skip
    if not args.json:
        say(f"digits are generated: they need no files\n\n{table(rows)}")
