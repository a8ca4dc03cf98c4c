"""Draw the pictures of the page on convolution: ``python docs/pictures/draw.py`` writes them beside it.

Every number in a picture is computed by the operation that it explains.
"""

from pathlib import Path

import numpy as np

import tinygrad_cnn as tg

CELL = 34  # pixels
INK, FAINT, PAPER = "#1f2933", "#9aa5b1", "#ffffff"
BLUE, ORANGE = "#a6cee3", "#fdbf6f"  # told apart by colour-blind eyes, and light and dark in grey print


class Picture:
    """Squares, numbers and captions on white paper, so that it can be read on a dark page too."""

    def __init__(self, width: int, height: int):
        self.size = width, height
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: object, *, size: int = 14, colour: str = INK) -> None:
        """Write centred on a point."""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="middle" '
            f'dominant-baseline="central">{words}</text>'
        )

    def square(self, x: float, y: float, fill: str, *, size: int = CELL, dashed: bool = False) -> None:
        """Draw a cell by its upper left corner; one that does not exist in the array is dashed."""
        dashes = ' stroke-dasharray="3 3"' if dashed else ""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{size}" height="{size}" fill="{fill}" stroke="{INK}"{dashes}/>'
        )

    def grid(self, x, y, numbers, title, *, blue=(), orange=(), padding=0) -> None:
        """Draw an array with a title above it; ``blue`` and ``orange`` are the cells to colour."""
        rows, columns = numbers.shape
        self.text(x + columns * CELL / 2, y - 18, title)
        for i, j in np.ndindex(rows, columns):
            outside = not (padding <= i < rows - padding and padding <= j < columns - padding)
            fill = ORANGE if (i, j) in orange else BLUE if (i, j) in blue else PAPER
            self.square(x + j * CELL, y + i * CELL, fill, dashed=outside)
            number = f"{numbers[i, j]:g}"
            self.text(x + (j + 0.5) * CELL, y + (i + 0.5) * CELL, number, colour=FAINT if outside else INK)

    def save(self, name: str, description: str) -> None:
        """Write the file, with a description for those who cannot see it."""
        width, height = self.size
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" role="img">',
            f"<title>{description}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
            *self.parts,
            "</svg>",
        ]
        Path(__file__).with_name(name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def window(top: int, left: int, size: int) -> set[tuple[int, int]]:
    """The cells of a square."""
    return {(top + i, left + j) for i in range(size) for j in range(size)}


IMAGE = np.array([[0, 0, 1, 1, 0], [0, 1, 2, 1, 0], [1, 2, 0, 0, 1], [0, 1, 0, 2, 1], [0, 0, 1, 1, 0]], float)
KERNEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], float)  # Sobel's: how much brighter it is on the left


def convolved(**options) -> np.ndarray:
    """The convolution of the image with the kernel."""
    return tg.conv2d(IMAGE[None, None], KERNEL[None, None], **options)[0, 0]


def a_window() -> None:
    """One window, the kernel and one element of the output."""
    picture = Picture(570, 240)
    picture.grid(30, 45, IMAGE, "input, 5 x 5", blue=window(0, 1, 3))
    picture.text(225, 130, "·", size=28)
    picture.grid(250, 79, KERNEL, "kernel, 3 x 3")
    picture.text(390, 130, "=", size=24)
    picture.grid(430, 79, convolved(), "output, 3 x 3", orange={(0, 1)})
    picture.text(285, 228, "each element of the window times its weight, and all of it added up", size=13)
    picture.save("window.svg", "A window of the input, times the kernel, gives one element of the output")


def a_padding() -> None:
    """A border of zeros, and an output as large as the input."""
    picture = Picture(560, 300)
    picture.grid(30, 45, np.pad(IMAGE, 1), "input with padding 1", blue=window(0, 0, 3), padding=1)
    picture.text(310, 165, "=", size=24)
    picture.grid(350, 79, convolved(padding=1), "output, 5 x 5", orange={(0, 0)})
    picture.save("padding.svg", "With a border of zeros, the output has as many elements as the input")


def a_stride() -> None:
    """Windows that lie two apart."""
    picture = Picture(560, 300)
    picture.grid(
        30,
        45,
        np.pad(IMAGE, 1),
        "padding 1, stride 2",
        blue=window(0, 0, 3),
        orange=window(0, 2, 3) - window(0, 0, 3),
        padding=1,
    )
    picture.text(310, 165, "=", size=24)
    picture.grid(384, 113, convolved(padding=1, stride=2), "output, 3 x 3", blue={(0, 0)}, orange={(0, 1)})
    picture.save("stride.svg", "With stride 2, neighbouring windows lie two elements apart")


def a_pooling() -> None:
    """The largest of each 2 by 2, and where the gradient goes."""
    x = np.array([[1, 3, 0, 2], [4, 2, 1, 0], [0, 1, 2, 2], [2, 0, 5, 1]], float)
    largest = tg.max_pool2d(x[None, None], 2)[0, 0]
    seed = np.array([[10, 20], [30, 40]], float)
    back = tg.grad(lambda a: (tg.max_pool2d(a[None, None], 2)[0, 0] * seed).sum())(x)
    won = {(int(i), int(j)) for i, j in np.argwhere(back)}
    picture = Picture(645, 200)
    picture.grid(25, 45, x, "input, 4 x 4", orange=won)
    picture.text(185, 113, "→", size=22)
    picture.grid(210, 79, largest, "output")
    picture.text(320, 113, "and back:", size=13)
    picture.grid(370, 79, seed, "gradient")
    picture.text(463, 113, "→", size=22)
    picture.grid(485, 45, back, "to the input", orange=won)
    picture.save(
        "pooling.svg", "Pooling keeps the largest of each 2 by 2, and its gradient goes to that element"
    )


def a_normalisation() -> None:
    """Which elements share a mean: those of one channel, of all images of the batch."""
    picture = Picture(520, 260)
    for n in range(3):
        picture.text(45, 90 + n * 60, f"image {n}", size=13)
        for c in range(4):
            for i, j in np.ndindex(2, 2):
                x, y = 90 + c * 100 + j * (CELL - 10), 62 + n * 60 + i * (CELL - 10)
                fill = ORANGE if c == 1 else PAPER
                picture.square(x, y, fill, size=CELL - 10)
    for c in range(4):
        picture.text(114 + c * 100, 38, f"channel {c}", size=13)
    picture.text(260, 244, "one mean and one variance for all elements of a channel", size=13)
    picture.save("batch_norm.svg", "Batch normalisation takes one mean and one variance for each channel")


if __name__ == "__main__":
    for draw in (a_window, a_padding, a_stride, a_pooling, a_normalisation):
        draw()
