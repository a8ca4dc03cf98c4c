"""Whether a recorded function, played, computes what the function does: bit for bit, on other numbers."""

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import tree
from tinygrad_cnn.program import compile
from tinygrad_cnn.recomputation import with_fresh_generators
from tinygrad_cnn.tape import raw


def bits(result):
    """Return all that can be told of a result: its structure, and the type and the bytes of each leaf."""
    leaves, structure = tree.flatten(result)
    arrays = [np.asarray(raw(leaf)) for leaf in leaves]
    kinds = [(type(leaf), type(raw(leaf)), a.dtype, a.shape) for leaf, a in zip(leaves, arrays, strict=True)]
    return structure, kinds, [array.tobytes() for array in arrays]


def fresh(args):
    """Copy arguments: a generator among them draws from where it stands, however often they are used."""
    leaves, structure = tree.flatten(args)
    return tree.unflatten(structure, with_fresh_generators(leaves))


def assert_plays(function, args, *others):
    """Record a function with arguments, and compare it with what is played on these and on others."""
    compiled = compile(function)
    for given in (args, *others):
        with np.errstate(all="ignore"):
            expected, found = function(*fresh(given)), compiled(*fresh(given))
        assert bits(found) == bits(expected)
    assert len(compiled.programs) == 1


class Orders:
    """A function of leaves, and its derivatives by some of them, as functions of arguments.

    Parameters
    ----------
    function : callable
        A function of a list of leaves.
    leaves : list
        The leaves that it is called with.
    places : list of int
        The leaves to differentiate by.
    rng : numpy.random.Generator
        What cotangents are drawn from.
    """

    def __init__(self, function, leaves, places, rng):
        self.function, self.leaves, self.places = function, leaves, places
        out = function(*fresh([leaves]))
        self.cotangents = tree.map(lambda x: self._like(rng, np.asarray(raw(x))), out)

    @staticmethod
    def _like(rng, array):
        dtype = array.dtype if array.dtype.kind == "f" else np.float64
        return rng.uniform(-1, 1, array.shape).astype(dtype)

    def of(self, order, scale):
        """Return a derivative as a function, and its arguments, whose arrays are multiplied by a number."""
        values = [self.leaves[i] * self.leaves[i].dtype.type(scale) for i in self.places]
        leaves = list(self.leaves)
        for i, value in zip(self.places, values, strict=True):
            leaves[i] = value
        more = [(), (values, self.cotangents), (values, self.cotangents, values)]
        return (self.function, self.first, self.second)[order], (leaves, *more[order])

    def first(self, leaves, values, cotangents):
        """Return the value and the product of cotangents with the Jacobian."""

        def inner(values):
            changed = list(leaves)
            for i, value in zip(self.places, values, strict=True):
                changed[i] = value
            return self.function(changed)

        out, pullback = tg.vjp(inner, values)
        return out, pullback(cotangents)

    def second(self, leaves, values, cotangents, others):
        """Return the derivative of that product by the point and by the cotangents, along a direction."""
        _, pullback = tg.vjp(lambda values, g: self.first(leaves, values, g)[1], values, cotangents)
        return pullback((others,))
