"""`Tensor`: operators, NumPy's and Python's protocols, and `backward` with the gradients it leaves."""

import copy
import operator
import pickle

import numpy as np
import pytest
from leaves import leaf
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor
from tinygrad_cnn.tape import raw

X = np.array([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]])
Y = np.array([[2.0, 3.0, -1.5], [0.5, 1.25, 4.0]])

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


# --- operators --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("other", [Tensor(Y), Y, Y[0], 2, 2.5, np.float64(2.5), np.array(3.0)], ids=repr)
def test_binary_operators_with_anything_on_either_side(op, other):
    x, theirs = leaf(np.abs(X)), raw(other)
    for out, expected in ((op(x, other), op(x.data, theirs)), (op(abs(other), x), op(abs(theirs), x.data))):
        assert isinstance(out, Tensor)
        assert out.requires_grad
        assert_array_equal(out.data, expected, strict=True)


def test_unary_operators():
    x = leaf(X)
    assert_array_equal((-x).data, -X)
    assert (+x) is x
    assert_array_equal(abs(x).data, np.abs(X))


@pytest.mark.parametrize("op", [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
def test_comparisons_give_plain_arrays_of_bool(op):
    other = X * np.array([1.0, -1.0, 2.0])
    for out in (op(leaf(X), other), op(leaf(X), Tensor(other)), op(leaf(X), 0.5)):
        assert type(out) is np.ndarray
        assert out.dtype == bool
    assert_array_equal(op(leaf(X), other), op(X, other))
    assert_array_equal(op(other, leaf(X)), op(other, X))


# --- the array --------------------------------------------------------------------------------------------


def test_a_tensor_has_the_attributes_of_its_array_also_for_numpy():
    x = leaf(X)
    assert (x.shape, x.dtype, x.ndim, x.size, len(x)) == ((2, 3), np.float64, 2, 6, 2)
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)


def test_the_array_is_not_copied_unless_its_dtype_is_another():
    x = Tensor(X, requires_grad=True)
    assert x.data is x.numpy() is x.detach().data is X
    assert not x.detach().requires_grad
    assert Tensor([1, 2], dtype=np.float32).dtype == np.float32


def test_a_tensor_of_a_tensor_is_refused():
    with pytest.raises(TypeError, match="would leave the tape"):
        Tensor(leaf(1.0))


@pytest.mark.parametrize("data", [3, [True], np.array([1], np.uint8), np.array([1j])], ids=repr)
def test_only_floating_tensors_can_require_gradients(data):
    kind = np.asarray(data).dtype
    with pytest.raises(TypeError, match=f"{kind} tensors cannot require gradients: cast to a floating dtype"):
        Tensor(data, requires_grad=True)
    assert Tensor(data).dtype == kind


def test_item_and_bool():
    assert Tensor([[2.5]]).item() == 2.5
    assert isinstance(leaf(2.5).item(), float)
    assert (bool(leaf(2.5)), bool(leaf(0.0))) == (True, False)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor(X))


def test_iteration_stays_on_the_tape():
    x = leaf(X)
    first, second = x
    (first * 2 + second * 3).sum().backward()
    assert_array_equal(x.grad, [[2.0] * 3, [3.0] * 3])
    with pytest.raises(TypeError, match="0-d"):
        iter(Tensor(1.0))
    with pytest.raises(TypeError):
        len(Tensor(1.0))


def test_hash_is_by_identity():
    x, same = Tensor(X), Tensor(X)
    assert hash(x) == hash(x)
    assert {x: 1, same: 2}[x] == 1


def test_indexing_takes_tensors_as_keys():
    x, rows = leaf(X), Tensor(np.array([0, 1, 1]))
    for out in (x[rows], x[rows, np.array([0, 0, 0])], x[rows, Tensor(np.array([0, 0, 0]))]):
        assert isinstance(out, Tensor)
    x[rows].sum().backward()
    assert_array_equal(x.grad, [[1.0] * 3, [2.0] * 3])
    assert_array_equal(x[x > 0].data, X[X > 0])


@pytest.mark.parametrize(
    ("tensor", "shown"),
    [
        (Tensor([1.0, 2.0]), "Tensor([1., 2.])"),
        (Tensor([1]), "Tensor([1])"),
        (Tensor(np.float32(1.5)), "Tensor(1.5, dtype=float32)"),
        (leaf([1.0]), "Tensor([1.], requires_grad=True)"),
        (leaf([1.0]) * 2, "Tensor([2.], from=multiply)"),
        (leaf([1.0], np.float32) * 2, "Tensor([2.], dtype=float32, from=multiply)"),
    ],
)
def test_repr(tensor, shown):
    assert repr(tensor) == shown
    if tensor.requires_grad:
        tensor.backward(np.ones(1))
        assert "from=" not in repr(tensor)


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_leaves_and_constants_can_be_copied_and_pickled(copied, requires_grad):
    x = Tensor(X.astype(np.float32), requires_grad=requires_grad)
    other = copied({"w": x})["w"]
    assert_array_equal(other.data, x.data, strict=True)
    assert other.requires_grad == requires_grad
    assert not np.shares_memory(other.data, x.data)
    assert other.node is None or other.node is not x.node


def test_a_released_loss_is_pickled_as_the_constant_that_it_is():
    loss = leaf(3.0) * 2
    loss.backward()
    other = pickle.loads(pickle.dumps(loss))
    assert (other.item(), other.requires_grad) == (6.0, False)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, pickle.dumps])
def test_a_tensor_on_the_tape_is_not_copied_or_pickled(copied):
    with pytest.raises(TypeError, match=r"detach\(\) it first"):
        copied(leaf(X) * 2)


# --- methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(),
        lambda x: x.sum(axis=0),
        lambda x: x.sum(1, keepdims=True),
        lambda x: x.mean(axis=(0, 1)),
        lambda x: x.var(axis=0, ddof=1),
        lambda x: x.std(1, keepdims=True),
        lambda x: x.max(axis=1),
        lambda x: x.min(),
        lambda x: x.prod(1, keepdims=True),
        lambda x: x.cumsum(),
        lambda x: x.cumsum(1),
        lambda x: x.argmax(1, keepdims=True),
        lambda x: x.cumprod(0),
        lambda x: x.dot(Y.T),
        lambda x: x.trace(1),
        lambda x: x.diagonal(-1),
        lambda x: x.argmin(0),
        lambda x: x.argsort(None),
        lambda x: x.clip(0.0),
        lambda x: x.clip(max=1.0),
        lambda x: x.round(1),
        lambda x: x.take([1, 0], 1),
        lambda x: x.repeat(2, 0),
        lambda x: x.ravel(),
        lambda x: x.T.flatten(),
        lambda x: x.swapaxes(0, -1),
        lambda x: x.mT,
        lambda x: x.copy(),
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape((3, 2)),
        lambda x: x.reshape(-1),
        lambda x: x.transpose(),
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x.transpose(None),
        lambda x: x.T,
        lambda x: x[:1].squeeze(0),
        lambda x: x[:1].squeeze(),
        lambda x: x.astype(np.float32),
        lambda x: x[..., None, ::-1],
    ],
)
def test_methods_do_as_numpys(call):
    out = call(leaf(X))
    assert isinstance(out, Tensor)
    assert_array_equal(out.data, call(X), strict=True)


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: (x > 0).all(1),
        lambda x: x.any(0, keepdims=True),
        lambda x: x.nonzero(),
        lambda x: x.tolist(),
    ],
)
def test_methods_whose_answer_has_no_derivative_give_what_numpys_give(ask):
    answer = ask(leaf(X))
    assert type(answer) is type(ask(X))
    assert_array_equal(answer, ask(X))


def test_a_copy_is_on_the_tape_and_keeps_its_values():
    x = leaf(X.copy())
    kept = x.copy()
    kept.sum().backward()
    x.data[...] = 0.0
    assert_array_equal(kept.data, X)
    assert_array_equal(x.grad, np.ones_like(X))


@pytest.mark.parametrize(
    ("name", "way"), [("sort", r"tg\.sort\(x\)"), ("fill", "tg.where"), ("view", "reshape")]
)
def test_a_method_that_a_tensor_cannot_have_names_the_way(name, way):
    with pytest.raises(AttributeError, match=way):
        getattr(leaf(X), name)


def test_a_wrong_permutation_is_refused():
    for call in (lambda x: x.transpose(0), lambda x: x.transpose((0, 0)), lambda x: x.transpose(0, 1, 2)):
        with pytest.raises(ValueError, match="axes"):
            call(leaf(X))


# --- dtypes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("scalar", [2, 2.5, True])
def test_python_scalars_are_weak(dtype, op, scalar):
    for f in (lambda x: op(x, scalar), lambda x: op(scalar, x)):
        x = leaf([1.0, 2.0], dtype)
        out = f(x)
        assert out.dtype == dtype
        out.sum().backward()
        assert x.grad.dtype == dtype


# --- backward ---------------------------------------------------------------------------------------------


def test_gradients_accumulate_in_the_same_array_from_none():
    x = leaf(3.0)
    assert x.grad is None
    x.backward()
    assert_array_equal(x.grad, np.array(1.0), strict=True)
    first = x.grad
    (x * 5).backward()
    assert x.grad is first
    assert x.grad == 6


def test_a_gradient_that_is_missing_or_of_the_wrong_shape_is_refused_and_nothing_is_released():
    x = leaf(X)
    out = x * 2
    with pytest.raises(ValueError, match=r"shape \(2, 3\) is no scalar: pass a gradient"):
        out.backward()
    with pytest.raises(ValueError, match=r"shape \(1,\) is no scalar"):
        leaf([1.0]).backward()
    with pytest.raises(ValueError, match=r"gradient: expected shape \(2, 3\), got \(3,\)"):
        out.backward(np.ones(3))
    assert x.grad is None
    out.backward(np.ones((2, 3)))
    assert_array_equal(x.grad, np.full((2, 3), 2.0))


def test_a_gradient_may_be_a_list_a_tensor_or_of_another_dtype():
    for gradient in ([1, 2], Tensor([1.0, 2.0]), np.array([1.0, 2.0]), np.array([1, 2], np.int8)):
        x = leaf([1.0, 1.0], np.float32)
        (x * 3).backward(gradient)
        assert_array_equal(x.grad, np.array([3.0, 6.0], np.float32), strict=True)


def test_the_gradient_passed_in_is_neither_changed_nor_kept():
    x, seed = leaf([1.0, 1.0]), np.array([1.0, 2.0])
    y = x + 0
    (y + y + x).backward(seed)
    (x + 0).backward(seed)
    assert_array_equal(seed, [1.0, 2.0])
    assert_array_equal(x.grad, [4.0, 8.0])
    assert not np.shares_memory(x.grad, seed)


@pytest.mark.parametrize(
    "constant", [Tensor(1.0), Tensor(1.0) * 2, leaf(1.0).detach(), tg.sign(leaf(1.0))], ids=repr
)
def test_backward_where_nothing_requires_gradients_is_an_error(constant):
    with pytest.raises(RuntimeError, match="nothing that this tensor was computed from requires gradients"):
        constant.backward()


def test_a_computed_tensor_says_how_to_get_its_gradient():
    h = leaf(3.0) * 2
    loss = h * h
    loss.backward()
    for computed in (h, loss):
        with pytest.warns(UserWarning, match=r"h = h \+ zeros, and read zeros\.grad.*tg\.grad\(rest\)\(h\)"):
            assert computed.grad is None
    assert Tensor(1.0).grad is None  # without a warning: there is nothing to get
    with pytest.raises(AttributeError, match=r"no such method.*zeros\.grad"):
        h.retain_grad()


def test_grad_can_be_set():
    x = leaf([1.0, 2.0])
    x.grad = np.array([5.0, 5.0])
    (x * 1).sum().backward()
    assert_array_equal(x.grad, [6.0, 6.0])
    x.grad = None
    assert x.grad is None


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (np.ones(3), ValueError, r"grad: expected float64\[2\], got float64\[3\]"),
        (np.ones(2, np.float32), ValueError, r"grad: expected float64\[2\], got float32\[2\]"),
        ([1.0, 1.0], TypeError, "grad: expected an ndarray or None, got list"),
        (Tensor([1.0, 1.0]), TypeError, "grad: expected an ndarray or None, got Tensor"),
    ],
)
def test_a_grad_that_does_not_fit_is_refused(value, error, match):
    x = leaf([1.0, 2.0])
    with pytest.raises(error, match=match):
        x.grad = value
    assert x.grad is None


def test_only_a_leaf_has_a_grad_to_set():
    for x in (Tensor(1.0), leaf(1.0) * 2):
        with pytest.raises(AttributeError, match="requires_grad=True"):
            x.grad = np.array(1.0)


def test_a_parameter_updated_in_place_is_used_with_its_new_values():
    data = np.array([1.0, 2.0])
    x = Tensor(data, requires_grad=True)
    for expected in ([2.0, 4.0], [0.0, 0.0]):
        x.grad = None
        (x * x).sum().backward()
        assert_array_equal(x.grad, expected)
        data -= 0.5 * x.grad
