"""What the measured sizes decide: how the baseline network is cut, at the batches that were measured.

A wrong decision changes no result, so that nothing else would notice it.
"""

import math

import numpy as np
import pytest

from tinygrad_cnn.kernels import conv, product, rectifier, thresholds
from tinygrad_cnn.kernels.columns import Convolution, Ranges, plain_block, shared_block
from tinygrad_cnn.kernels.conv_plan import plan
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec
from tinygrad_cnn.kernels.pool_plan import blocks

FORWARD, WEIGHT, INPUT = thresholds.NARROW_SMALL_ROW, thresholds.NARROW_ROW, math.inf


def convolution(images, channels, side, outputs, **options):
    spec = ConvSpec.of((images, channels, side, side), (outputs, channels, 3, 3), **options)
    return Convolution(spec, outputs, channels, images, np.dtype(np.float32))


@pytest.mark.parametrize(
    ("images", "shortest_row", "threads", "first", "second"),
    [
        (1, FORWARD, 2, (False, 1, 1), (False, 1, 1)),
        (8, FORWARD, 2, (True, 1, 1), (True, 1, 1)),
        (8, WEIGHT, 2, (True, 1, 1), (False, 1, 1)),
        (64, INPUT, 1, (False, 1, 1), (False, 2, 1)),
        (64, FORWARD, 2, (True, 1, 1), (True, 1, 1)),
        (256, WEIGHT, 1, (True, 2, 1), (True, 4, 1)),
        (256, WEIGHT, 2, (True, 2, 2), (True, 4, 2)),
        (256, INPUT, 1, (False, 4, 1), (False, 7, 1)),
    ],
)
def test_how_the_convolutions_of_the_baseline_are_cut(images, shortest_row, threads, first, second):
    for sizes, expected in (((1, 28, 8), first), ((8, 14, 16), second)):
        cut = plan(*convolution(images, *sizes, padding=1), threads, shortest_row)
        assert (cut.shares_rows, len(cut.blocks), cut.threads) == expected


def test_a_convolution_is_shared_from_so_many_outputs_on():
    for outputs, count in ((21, 1), (22, 2)):
        cut = plan(*convolution(64, 8, 14, outputs, padding=1), 2, FORWARD)
        assert (len(cut.blocks), cut.threads) == (count, count)


def test_rows_that_do_not_overlap_are_not_shared():
    for options in ({"stride": 3}, {"dilation": 2}):
        assert not plan(*convolution(256, 1, 28, 8, **options), 1, WEIGHT).shares_rows
    assert plan(*convolution(256, 1, 28, 8, stride=2), 1, WEIGHT).shares_rows


@pytest.mark.parametrize(
    ("row", "channels", "shortest_row", "are_shared"),
    [
        (192, 64, WEIGHT, True),
        (191, 64, WEIGHT, False),
        (191, 64, FORWARD, False),  # 64 channels make a large product of one row
        (96, 1, FORWARD, True),
        (95, 1, FORWARD, False),
        (96, 1, WEIGHT, False),
    ],
)
def test_only_long_rows_are_shared(row, channels, shortest_row, are_shared):
    spec = ConvSpec.of((1, channels, 5, row), (16, channels, 3, 3), padding=1)
    cut = plan(spec, 16, channels, 1, np.dtype(np.float32), 1, shortest_row)
    assert cut.shares_rows == are_shared


@pytest.mark.parametrize(
    ("images", "threads", "first", "second"),  # (blocks, threads)
    [(64, 1, (2, 1), (1, 1)), (64, 2, (2, 1), (1, 1)), (256, 1, (7, 1), (4, 1)), (256, 2, (2, 2), (2, 2))],
)
def test_how_the_poolings_of_the_baseline_are_cut(set_threads, images, threads, first, second):
    set_threads(threads)
    for (channels, side), expected in (((8, 28), first), ((16, 14), second)):
        shape = images, channels, side, side
        cut, shared_by = blocks(PoolSpec.of(shape, 2), channels, math.prod(shape))
        assert (len(cut), shared_by) == expected


PIECES, CHUNKS, TAPS = product._piece_count, product._chunk_count, product._tap_pieces


@pytest.mark.parametrize(
    ("count", "sizes", "expected"),
    [
        (PIECES, (64, 784, 128, False), 8),  # the dense layer of the baseline
        (PIECES, (784, 64, 128, False), 7),
        (PIECES, (784, 128, 8, True), 7),
        (PIECES, (8, 784, 128, False), 1),
        (PIECES, (64, 64, 64, True), 4),  # just as many multiplications as are worth it
        (PIECES, (63, 64, 64, True), 1),
        (PIECES, (1024, 128, 8, False), 2),  # just as large an operand as stays in the cache
        (PIECES, (1040, 128, 8, False), 1),
        (CHUNKS, (8, 9, 50176), 4),  # the convolutions of the baseline
        (CHUNKS, (16, 72, 12544), 16),
        (CHUNKS, (16, 72, 896), 2),
        (CHUNKS, (8, 9, 1792), 1),
        (CHUNKS, (100, 100, 128), 2),  # just as few columns a chunk as pay
        (CHUNKS, (100, 100, 126), 1),
        (TAPS, (16, 72), 1),  # 1152 elements, 16 taps a piece
        (TAPS, (36, 32), 1),
        (TAPS, (37, 32), 2),
        (TAPS, (72, 32), 2),
        (TAPS, (72, 30), 1),
    ],
)
def test_into_how_many_parts_products_are_cut(count, sizes, expected):
    assert count(*sizes) == expected


@pytest.mark.parametrize(
    ("outputs", "kernel", "options", "pays"),
    [
        (15, 3, {}, True),
        (16, 3, {}, False),  # four times as many outputs as inputs
        (16, 1, {}, True),  # no columns are made
        (16, 1, {"padding": 1}, False),
        (4, 3, {"stride": 2}, False),
    ],
)
def test_a_convolution_is_flipped_for_its_gradient_where_that_pays(outputs, kernel, options, pays):
    weight = np.ones((outputs, 4, kernel, kernel))
    assert conv.flip_pays(weight, ConvSpec.of((1, 4, 9, 9), weight.shape, **options)) == pays


def forbid(monkeypatch, owner, name):
    def fail(*arguments):
        raise AssertionError(f"{name} is not needed")

    monkeypatch.setattr(owner, name, fail)


def test_small_products_of_columns_are_made_in_one_piece(monkeypatch, integers):
    for name in ("_chunks", "borrow"):
        forbid(monkeypatch, product, name)
    matrix, columns, out = integers(1, 1, 8, 9), integers(1, 1, 9, 100), np.empty((1, 1, 8, 100))
    product.multiply_columns(matrix, columns, out)
    np.testing.assert_array_equal(out, matrix @ columns)
    np.testing.assert_array_equal(product.correlate_columns(columns, out), (columns @ out.swapaxes(2, 3))[0])


def test_large_products_of_columns_are_cut(monkeypatch, integers):
    forbid(monkeypatch, product, "_chunks")
    with pytest.raises(AssertionError, match="not needed"):
        product.multiply_columns(integers(1, 1, 8, 9), integers(1, 1, 9, 50176), np.empty((1, 1, 8, 50176)))


def test_only_large_floating_outer_products_get_a_second_column(monkeypatch):
    depths = []
    matmul = np.matmul
    monkeypatch.setattr(np, "matmul", lambda a, b: depths.append(a.shape[1]) or matmul(a, b))
    for dtype, rows in ((np.float32, 64), (np.float32, 63), (np.int32, 64), (np.float16, 64)):
        product.product(np.ones((rows, 1), dtype), np.ones((1, 128), dtype))
    assert depths == [2]


def test_a_padded_copy_takes_whole_cache_lines_and_no_more():
    for make, images in ((plain_block, 5), (shared_block, 5), (plain_block, 16)):
        cut = convolution(images, 3, 7, 2, padding=1)
        part = make(cut, Ranges((0, 7), (0, 7), (0, images))).part
        copied = math.prod(part.shape) * cut.dtype.itemsize
        assert part.nbytes % 64 == 0
        assert copied <= part.nbytes < copied + 64


def test_arrays_that_lie_alike_are_flat_to_an_elementwise_loop():
    x = np.ones((3, 4, 5, 2)).transpose(3, 0, 1, 2)
    assert [array.shape for array in rectifier._in_memory_order(x, x)] == [(120,), (120,)]
    assert [array.shape for array in rectifier._in_memory_order(x, x.copy())] == [(3, 4, 5, 2)] * 2
