"""The tables, in Markdown, and their place in a page."""

import re

from . import bars, summary
from .sides import SIDES

NOTES = {
    "step": "Forward, backward and an update by SGD with momentum 0.9, of the baseline network.",
    "inference": "The baseline network's forward pass.",
    "conv": "One convolution: output, and the gradients to the images, the weight and the bias.",
    "engine": "Recording and `backward()` on one number.",
    "compiled step": "The same step, compiled: recorded once, and played without `tune`.",
    "compiled inference": "The same forward pass, compiled.",
    "compiled small": "Value and gradient of small functions, compiled.",
    "import": "Against `import numpy`, without the start of the interpreter.",
    "memory": "A training step at batch 256: bytes that it adds to the process at its peak, after a step"
    " of one sample. Page faults of one warm step.",
    "growth": "Exponents of the time of our training step in the size. (A convolution's arithmetic grows with"
    " the square of its channels.)",
}
HEAD = ("case", "against", "threads", "ours", "theirs", "measured", "quartiles", "bar", "")


def row(record):
    """A measurement as (record, value, bound)."""
    return record, summary.measured(record), bars.bound(record)


def rows(records):
    """Yield all measurements; what is derived from several comes last."""
    yield from map(row, records)
    for record, value in summary.over_problems(records):
        yield record, value, bars.bound(record)


def quantity(record, number):
    """A median in its unit."""
    if number is None:
        return ""
    if record.get("unit") == "MB":
        return f"{number / 1e6:.1f} MB"
    return f"{number * 1e3:.3g} ms" if number >= 0.9995e-3 else f"{number * 1e6:.3g} µs"


def cells(record, value, bound):
    """A line of a table, as texts."""
    case = f"batch {record['case']}" if isinstance(record["case"], int) else record["case"]
    peer = SIDES[record["peer"]].title if record["peer"] in SIDES else record["peer"] or ""
    found = [""] * 4
    if value is None:
        found[2] = f"not run: {record['failure']}".replace("|", "/")
    else:
        spread = "" if value.quartiles is None else "{:.3g} to {:.3g}".format(*value.quartiles)
        medians = [quantity(record, side) for side in (value.ours, value.theirs)]
        found = [*medians, f"{value.value:.3g}", spread]
    limit = "" if bound is None else f"{bound:g}"
    verdict = "" if None in (value, bound) else "holds" if value.value <= bound else "**missed**"
    return [case, peer, str(record["threads"]), *found, limit, verdict]


def markdown(head, lines):
    """A table with columns of even width."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    lines = [head, ["-" * width for width in widths], *lines]
    return "".join("| " + " | ".join(map(str.ljust, line, widths)) + " |\n" for line in lines)


def section(name, result):
    """The table of a section, with what it shows and where it was measured."""
    machine = result["machine"]
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    load = f"load {machine['load']:.1f} before"
    place = f"{machine['cpu']}, {machine['cores']} cores, {load}; {machine['system']}; {versions}."
    quick = " **A quick trial of the command, no measurement.**" if result["quick"] else ""
    table = markdown(list(HEAD), [cells(*row) for row in rows(result["records"])])
    return f"{NOTES[name]}{quick}\n\n{table}\n{place}\n"


def everything(results):
    """All sections, each below its title."""
    return "\n".join(f"## {name}\n\n{section(name, result)}" for name, result in results.items())


def fill(page, results):
    """The text of a page with the tables put between ``<!-- measured: NAME -->`` and ``<!-- end -->``."""

    def measured(match):
        name = match[1]
        return f"<!-- measured: {name} -->\n{section(name, results[name])}" if name in results else match[0]

    return re.sub(r"<!-- measured: ([\w ]+) -->\n.*?(?=<!-- end -->)", measured, page, flags=re.DOTALL)
