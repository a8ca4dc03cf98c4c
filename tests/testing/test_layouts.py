import numpy as np
import pytest
from hypothesis import given

from tinygrad_cnn.testing import strategies
from tinygrad_cnn.testing.layouts import LAYOUTS, broadcasts, relaid


@pytest.mark.parametrize("layout", LAYOUTS)
@given(x=strategies.arrays())
def test_values_shape_and_dtype_are_kept(layout, x):
    other = relaid(x.astype(np.float32), layout)
    np.testing.assert_array_equal(other, x)
    assert (other.shape, other.dtype) == (x.shape, np.float32)
    assert not np.shares_memory(other, x)


def test_layouts_are_what_their_names_say():
    made = {layout: relaid(np.arange(24.0).reshape(2, 3, 4), layout) for layout in LAYOUTS}
    assert made["C order"].flags.c_contiguous
    assert made["Fortran order"].flags.f_contiguous
    assert not made["transposed"].flags.c_contiguous
    assert not made["transposed"].flags.f_contiguous
    assert all(step < 0 for step in made["negative strides"].strides)
    assert made["gaps between elements"].strides == (768, 128, 16)
    assert not made["read-only"].flags.writeable


def test_broadcasts_have_zero_strides_and_the_shape():
    x = np.arange(6.0).reshape(2, 3)
    views = dict(broadcasts(x))
    assert all(0 in view.strides and view.shape == x.shape for view in views.values())
    assert len(views) == 3
    assert not list(broadcasts(np.zeros((0, 2))))
