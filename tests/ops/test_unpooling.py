"""Maximum poolings say where their winners are, as their gradients do."""

import numpy as np
import pytest
import records
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg

POOLINGS = {
    record.name: record
    for record in records.RECORDS
    if record.name in ("max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool2d")
}


@pytest.mark.parametrize("name", POOLINGS)
def test_indices_are_the_places_that_get_the_gradient(name):
    for call, _ in records.drawn(POOLINGS[name].case, 10):
        x = np.round(call.operands[0])  # some elements tie
        pool, options = getattr(tg, name), call.params
        y, indices = pool(x, **options, return_indices=True)
        assert_array_equal(y, pool(x, **options))
        expected = np.zeros((*x.shape[:2], np.prod(x.shape[2:], dtype=int)))
        rows = indices.reshape(*x.shape[:2], np.prod(y.shape[2:], dtype=int))
        np.add.at(expected, (*np.indices(rows.shape)[:2], rows), 1)
        assert_array_equal(
            tg.grad(lambda x, pool=pool, o=options: pool(x, **o).sum())(x).ravel(), expected.ravel()
        )


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_unpooling_brings_the_maxima_back(axes):
    x = np.random.default_rng(0).permutation(2 * 5**axes).reshape(1, 2, *[5] * axes) + 1.0
    pool, unpool = getattr(tg, f"max_pool{axes}d"), getattr(tg, f"max_unpool{axes}d")

    def there_and_back(x):
        y, indices = pool(x, 2, return_indices=True)
        return unpool(y, indices, 2, output_size=x.shape)

    kept = there_and_back(x)
    assert set(np.unique(kept)) == {0.0, *np.unique(pool(x, 2))}
    assert_array_equal(kept[kept != 0], x[kept != 0])
    once = tg.grad(lambda x: there_and_back(x).sum())
    assert_array_equal(once(x), kept != 0)
    assert_array_equal(tg.compile(once)(x), once(x))


@pytest.mark.parametrize("size", [(2, 4), (6, 4), (4,)])
def test_an_output_of_another_number_of_windows_is_refused(size):
    with pytest.raises(ValueError, match="max_unpool2d: output_size: expected 2 lengths"):
        tg.max_unpool2d(np.ones((1, 1, 2, 2)), np.zeros((1, 1, 2, 2), int), 2, output_size=size)
