"""Five hands that draw digits with a pointer: the shapes of `pen`, each in its own size, slant and speed."""

from typing import NamedTuple

import numpy as np
from pen import DIGITS, arc


class Hand(NamedTuple):
    """How somebody writes: the size and the middle of digits on the sheet, slant, points a stroke, tremor."""

    scale: float
    centre: tuple[float, float]
    slant: float
    points: int
    tremor: float


HANDS = (
    Hand(0.85, (0.5, 0.5), 0.0, 10, 0.0),
    Hand(0.45, (0.32, 0.36), 0.2, 8, 0.004),
    Hand(0.6, (0.6, 0.62), -0.15, 14, 0.006),
    Hand(0.72, (0.46, 0.55), 0.3, 7, 0.0),
    Hand(0.38, (0.7, 0.3), 0.1, 9, 0.003),
)


def written(digit, number):
    """The strokes of a digit by one hand, as points in units of the sheet."""
    hand, rng = HANDS[number], np.random.default_rng(10 * digit + number)
    strokes = []
    for points in DIGITS[digit][(number + digit) % len(HANDS)]:
        along = np.linspace(0, 1, len(points))
        is_round = len(points) == len(arc(0, 0, 1, 1, 0, 1))  # and has no corners that a fast hand would miss
        at = np.linspace(0, 1, hand.points if is_round else max(hand.points, len(points)))
        x, y = (np.interp(at, along, points[:, axis]) - 0.5 for axis in (0, 1))
        x, y = hand.scale * (x - hand.slant * y), hand.scale * y
        stroke = np.stack([x, y], -1) + hand.centre + rng.normal(0, hand.tremor, (len(at), 2))
        strokes.append(np.clip(stroke, 0.03, 0.97))
    return strokes


def draw(page, strokes):
    """Draw strokes on the sheet of a page, which has to be in view."""
    box = page.locator("#sketch").bounding_box()

    def place(point):
        return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]

    for stroke in strokes:
        page.mouse.move(*place(stroke[0]))
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*place(point))
        page.mouse.up()
