"""Pictures of digits as people draw and photograph them: strokes of straight lines and arcs, in five manners.

They have nothing in common with the digits that the package generates but what digits have in common. Lengths
are in sides of the picture; y grows downward.
"""

import itertools

import numpy as np

SIZE = 120


def arc(x, y, width, height, start, end):
    """Points on an ellipse about (x, y), from one angle to another in degrees; 0 is right, 90 is down."""
    angle = np.radians(np.linspace(start, end, 24))
    return np.stack([x + width / 2 * np.cos(angle), y + height / 2 * np.sin(angle)], -1)


def line(*points):
    return np.array(points, float)


DIGITS = {
    0: [
        [arc(0.5, 0.5, 0.5, 0.8, -90, 270)],
        [arc(0.5, 0.5, 0.38, 0.84, -60, 310)],
        [arc(0.5, 0.5, 0.66, 0.72, -110, 255)],
        [line((0.35, 0.2), (0.65, 0.12), (0.75, 0.5), (0.6, 0.86), (0.35, 0.85), (0.25, 0.45), (0.36, 0.18))],
        [arc(0.48, 0.5, 0.46, 0.8, -80, 285)],
    ],
    1: [
        [line((0.5, 0.1), (0.5, 0.9))],
        [line((0.36, 0.28), (0.54, 0.1), (0.54, 0.9))],
        [line((0.58, 0.1), (0.46, 0.9))],
        [line((0.38, 0.24), (0.52, 0.1), (0.52, 0.88)), line((0.36, 0.88), (0.68, 0.88))],
        [line((0.44, 0.12), (0.54, 0.9))],
    ],
    2: [
        [arc(0.5, 0.32, 0.44, 0.44, -170, 35), line((0.69, 0.44), (0.28, 0.88), (0.74, 0.88))],
        [line((0.28, 0.26), (0.44, 0.12), (0.66, 0.18), (0.68, 0.38), (0.28, 0.86), (0.76, 0.84))],
        [arc(0.48, 0.3, 0.5, 0.4, -190, 40), line((0.67, 0.43), (0.26, 0.84)), line((0.26, 0.84),
         (0.78, 0.9))],
        [arc(0.52, 0.34, 0.4, 0.48, -180, 20), line((0.71, 0.42), (0.6, 0.64), (0.28, 0.88), (0.72, 0.86))],
        [line((0.3, 0.2), (0.5, 0.1), (0.7, 0.24), (0.64, 0.46), (0.26, 0.88)), line((0.26, 0.88),
         (0.74, 0.88))],
    ],
    3: [
        [arc(0.46, 0.3, 0.42, 0.38, -150, 90), arc(0.46, 0.69, 0.5, 0.4, -90, 150)],
        [line((0.28, 0.12), (0.7, 0.12), (0.46, 0.44)), arc(0.46, 0.66, 0.46, 0.44, -90, 140)],
        [line((0.3, 0.16), (0.58, 0.12), (0.68, 0.28), (0.46, 0.46), (0.72, 0.62), (0.6, 0.86),
         (0.28, 0.84))],
        [arc(0.45, 0.31, 0.5, 0.4, -140, 85), arc(0.44, 0.7, 0.56, 0.38, -85, 130)],
        [arc(0.48, 0.3, 0.36, 0.4, -160, 100), arc(0.48, 0.7, 0.42, 0.4, -100, 160)],
    ],
    4: [
        [line((0.6, 0.1), (0.24, 0.6), (0.78, 0.6)), line((0.6, 0.1), (0.6, 0.9))],
        [line((0.32, 0.12), (0.28, 0.5), (0.72, 0.5)), line((0.68, 0.12), (0.66, 0.9))],
        [line((0.36, 0.1), (0.26, 0.54), (0.74, 0.56)), line((0.62, 0.34), (0.58, 0.92))],
        [line((0.56, 0.1), (0.22, 0.66), (0.8, 0.64)), line((0.6, 0.36), (0.6, 0.9))],
        [line((0.3, 0.14), (0.3, 0.48), (0.5, 0.56), (0.7, 0.48)), line((0.7, 0.12), (0.7, 0.9))],
    ],
    5: [
        [line((0.7, 0.12), (0.34, 0.12), (0.32, 0.44)), arc(0.47, 0.65, 0.46, 0.46, -130, 140)],
        [line((0.72, 0.14), (0.38, 0.14), (0.32, 0.46), (0.58, 0.42), (0.72, 0.62), (0.58, 0.86),
         (0.28, 0.84))],
        [line((0.32, 0.14), (0.32, 0.46)), arc(0.46, 0.66, 0.5, 0.44, -125, 130), line((0.32, 0.14),
         (0.72, 0.1))],
        [line((0.68, 0.1), (0.36, 0.12), (0.34, 0.42)), arc(0.48, 0.64, 0.4, 0.48, -135, 150)],
        [line((0.74, 0.12), (0.3, 0.14), (0.3, 0.44), (0.6, 0.44), (0.7, 0.66), (0.54, 0.88), (0.28, 0.8))],
    ],
    6: [
        [line((0.62, 0.1), (0.4, 0.34), (0.29, 0.62)), arc(0.5, 0.66, 0.42, 0.44, 180, 540)],
        [line((0.56, 0.08), (0.34, 0.4), (0.3, 0.7)), arc(0.49, 0.7, 0.38, 0.38, 180, 540)],
        [line((0.68, 0.14), (0.42, 0.24), (0.28, 0.6), (0.36, 0.86), (0.62, 0.86), (0.7, 0.64),
         (0.5, 0.52), (0.3, 0.66))],
        [line((0.5, 0.1), (0.32, 0.44), (0.28, 0.68)), arc(0.5, 0.68, 0.44, 0.4, 180, 530)],
        [arc(0.62, 0.5, 0.66, 0.8, 250, 160), arc(0.5, 0.68, 0.4, 0.4, 190, 550)],
    ],
    7: [
        [line((0.26, 0.12), (0.74, 0.12), (0.42, 0.9))],
        [line((0.26, 0.16), (0.72, 0.1), (0.54, 0.5), (0.46, 0.9))],
        [line((0.28, 0.12), (0.72, 0.14), (0.4, 0.88)), line((0.36, 0.5), (0.68, 0.5))],
        [line((0.24, 0.26), (0.28, 0.12), (0.74, 0.12), (0.5, 0.9))],
        [line((0.3, 0.14), (0.7, 0.14), (0.5, 0.88))],
    ],
    8: [
        [arc(0.5, 0.3, 0.36, 0.38, -90, 270), arc(0.5, 0.69, 0.44, 0.4, -90, 270)],
        [line((0.64, 0.2), (0.46, 0.1), (0.34, 0.26), (0.64, 0.62), (0.6, 0.86), (0.38, 0.86),
         (0.34, 0.64), (0.66, 0.24))],
        [arc(0.5, 0.29, 0.44, 0.36, -90, 270), arc(0.5, 0.69, 0.52, 0.42, -90, 270)],
        [arc(0.52, 0.3, 0.34, 0.4, -70, 290), arc(0.48, 0.7, 0.4, 0.4, -80, 280)],
        [arc(0.5, 0.3, 0.32, 0.36, -90, 270), arc(0.5, 0.68, 0.36, 0.42, -90, 270)],
    ],
    9: [
        [arc(0.48, 0.32, 0.42, 0.42, 0, 360), line((0.69, 0.32), (0.66, 0.6), (0.58, 0.9))],
        [arc(0.48, 0.3, 0.4, 0.38, 0, 360), line((0.68, 0.3), (0.68, 0.9))],
        [arc(0.46, 0.32, 0.46, 0.4, 10, 350), line((0.68, 0.16), (0.66, 0.54), (0.5, 0.9))],
        [line((0.68, 0.22), (0.46, 0.1), (0.3, 0.3), (0.44, 0.5), (0.66, 0.34), (0.68, 0.2), (0.62, 0.9))],
        [arc(0.5, 0.3, 0.36, 0.4, 0, 360), line((0.68, 0.32), (0.64, 0.74), (0.46, 0.9), (0.3, 0.84))],
    ],
}  # fmt: skip


def drawn(strokes, *, radius, slant=0.0, scale=0.6, centre=(0.5, 0.5)):
    """Draw strokes with a round pen; the ink of each pixel, from 0 to 1."""
    rows, columns = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    distance = np.full((SIZE, SIZE), np.inf)
    for stroke in strokes:
        points = (stroke - 0.5) * scale
        points = np.stack([points[:, 0] - slant * points[:, 1], points[:, 1]], -1) + centre
        for (ax, ay), (bx, by) in itertools.pairwise(points):
            dx, dy = bx - ax, by - ay
            along = np.clip(((columns - ax) * dx + (rows - ay) * dy) / (dx * dx + dy * dy + 1e-12), 0, 1)
            distance = np.minimum(distance, np.hypot(columns - ax - along * dx, rows - ay - along * dy))
    return np.clip((radius - distance) * SIZE + 0.5, 0, 1)


def photographed(ink, rng):
    """Ink on paper that is lit from a corner, a little blurred, with grain."""
    rows, columns = np.mgrid[: 1 : SIZE * 1j, : 1 : SIZE * 1j]
    paper = 0.85 - 0.3 * rows - 0.15 * columns
    blurred = sum(np.roll(ink, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    return np.clip(paper * (1 - 0.7 * blurred) + rng.normal(0, 0.02, ink.shape), 0, 1)


def pictures():
    """Yield fifty pictures, each with its digit: five of each, in five manners."""
    rng = np.random.default_rng(0)
    manners = [
        lambda strokes: 1 - drawn(strokes, radius=0.03),
        lambda strokes: 1 - 0.8 * drawn(strokes, radius=0.05, slant=0.25, scale=0.5, centre=(0.3, 0.62)),
        lambda strokes: drawn(strokes, radius=0.02, slant=-0.15, scale=0.8),  # chalk on a blackboard
        lambda strokes: photographed(drawn(strokes, radius=0.035, slant=0.1, centre=(0.56, 0.44)), rng),
        lambda strokes: 0.95 - 0.7 * drawn(strokes, radius=0.016, scale=0.4, centre=(0.66, 0.36)),
    ]
    for digit, variants in DIGITS.items():
        for n, strokes in enumerate(variants):
            picture = manners[(n + digit) % len(manners)](strokes)
            yield (255 * picture).round().astype(np.uint8), digit
