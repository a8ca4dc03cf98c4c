"""What NumPy has under ``numpy.linalg``.

The matrices have a heavy diagonal of different elements: so they are far from singular, and their eigenvalues
and singular values far from equal. Vectors are compared by products of which their signs drop out.
"""

import itertools

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn import linalg
from tinygrad_cnn.ops import determinants, factorizations, solving
from tinygrad_cnn.testing import ErrorCase, strategies

from .draws import arrays
from .million import numbers
from .record import WRAPPED, ByHand, Without, part, record
from .written import ops

HEAVY = np.diag([3.0, 6.0, 10.0])
# a sign that LAPACK gives a vector jumps where an element off the diagonal is zero: near these none is
FULL = HEAVY + 1.0 - np.eye(3)


@st.composite
def matrices(draw, rows=None, columns=None, most=1, low=0, around=HEAVY):
    """Draw a stack of matrices of given or any sizes, near a given one."""
    stack = draw(strategies.shapes(max_dims=most, max_side=2))
    m = draw(st.integers(low, 3)) if rows is None else rows
    n = draw(st.integers(low, 3)) if columns is None else columns
    return draw(arrays((*stack, m, n), low=-0.5, high=0.5)) + around[:m, :n]


@st.composite
def squares(draw, **options):
    n = draw(st.sampled_from([2, 3, 2, 3, 1, 0]))
    return draw(matrices(n, n, **options))


@st.composite
def tall(draw, **options):
    n = draw(st.integers(0, 3))
    return draw(matrices(draw(st.integers(n, 3)), n, **options))


@st.composite
def equations(draw, vectors=True):
    """Draw matrices and right sides, whose leading axes broadcast."""
    a = draw(squares())
    n = a.shape[-1]
    stack = draw(st.sampled_from([(), (1,), a.shape[:-2]]))
    if vectors and draw(st.booleans()):
        return a, draw(arrays((n,)))
    return a, draw(arrays((*stack, n, draw(st.integers(0, 2)))))


@st.composite
def overdetermined(draw):
    a = draw(tall(most=0))
    return a, draw(arrays((len(a), *draw(st.sampled_from([(), (2,)])))))


@st.composite
def chain(draw):
    """Draw matrices that fit, and perhaps a vector at either end."""
    sizes = draw(st.lists(st.integers(0, 3), min_size=3, max_size=5))
    shapes = [list(pair) for pair in itertools.pairwise(sizes)]
    if draw(st.booleans()):
        shapes[0] = shapes[0][1:]
    if draw(st.booleans()):
        shapes[-1] = shapes[-1][:1]
    return ([draw(arrays(tuple(shape))) for shape in shapes],)


def joined(*parts):
    return ops.concatenate([ops.reshape(x, (-1,)) for x in parts])


def of_eigenvectors(eigh):
    """Join the eigenvalues, and the projections onto the eigenvectors."""

    def values_and_projections(a):
        w, v = eigh(a)
        return joined(w, ops.einsum("...ik,...jk->...kij", v, v))

    return values_and_projections


def of_singular_vectors(svd, **options):
    def values_and_products(a):
        u, s, vh = svd(a, **options)
        return joined(s, ops.einsum("...ik,...kj->...kij", u, vh))

    return values_and_products


def symmetric(a):
    return (a + np.swapaxes(a, -1, -2)) / 2


def of_symmetric(function):
    return lambda a: function(symmetric(a))


def torch_of_symmetric(function):
    return lambda torch, a: function(torch, (a + a.mT) / 2)


def eigh_in_torch(torch, a):
    w, v = torch.linalg.eigh(a)
    return torch.cat([w.reshape(-1), torch.einsum("...ik,...jk->...kij", v, v).reshape(-1)])


def svd_in_torch(torch, a):
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    return torch.cat([s.reshape(-1), torch.einsum("...ik,...kj->...kij", u, vh).reshape(-1)])


def qr_in_torch(torch, a):
    return torch.cat([x.reshape(-1) for x in torch.linalg.qr(a)])


def lstsq_in_torch(torch, a, b):
    x = torch.linalg.lstsq(a, b if b.ndim > 1 else b[:, None]).solution
    left = b - a @ (x if b.ndim > 1 else x[:, 0])
    squares = (left * left).sum(0) if len(a) > a.shape[1] else left[:0]
    return torch.cat([x.reshape(-1), squares.reshape(-1)])


def solved(lstsq):
    return lambda a, b: joined(*lstsq(a, b, rcond=None)[:2])


# --- rows of the benchmark ----------------------------------------------------------------------------------

SQUARE = numbers(150, 150, low=-0.5, high=0.5) + np.diag(np.arange(20, 170)).astype(np.float32)
LONG = numbers(300, 150)
RIGHT = numbers(150, 150)


def solve_by_hand(a, b, g):
    x, to_b = np.linalg.solve(a, b), np.linalg.solve(a.T, g)
    return x, -to_b @ x.T, to_b


def inv_by_hand(a, g):
    out = np.linalg.inv(a)
    return out, -out.T @ g @ out.T


def cholesky_by_hand(a, g):
    lower = np.linalg.cholesky(symmetric(a))
    inner = np.tril(lower.T @ g) * (1 - np.eye(150, dtype=np.float32) / 2)
    return lower, symmetric(np.linalg.solve(lower.T, np.linalg.solve(lower.T, inner.T).T))


def eigvalsh_by_hand(a, g):
    w, v = np.linalg.eigh(symmetric(a))
    return w, (v * g) @ v.T


def svdvals_by_hand(a, g):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return s, (u * g) @ vh


def qr_by_hand(a, g):
    q, r = np.linalg.qr(a)
    half = np.triu(g @ r.T) * (1 - np.eye(150, dtype=np.float32) / 2)
    return r, np.linalg.solve(r, (q @ (half + half.T)).T).T


def pinv_by_hand(a, g):
    p = np.linalg.pinv(a)
    outside = g.T @ p @ p.T
    return p, -p.T @ g @ p.T + outside - a @ (p @ outside)


def lstsq_by_hand(a, b, g):
    p = np.linalg.pinv(a)
    x = p @ b
    left = b - a @ x
    return x, -p.T @ g @ x.T + left @ (p @ p.T @ g).T, p.T @ g


def log_of_det_by_hand(a, g):
    return np.linalg.slogdet(a)[1], g * np.linalg.inv(a).T


SINGULAR = ErrorCase((np.zeros((2, 2)),), np.linalg.LinAlgError, says=("expected invertible", "(2, 2)"))
ODD = ErrorCase((np.ones((2, 3)),), np.linalg.LinAlgError)

RECORDS = [
    part(
        "solve_for_matrices",
        solving._solve,
        operands=equations(vectors=False),
        reference=np.linalg.solve,
    ),
    record(
        "solve",
        linalg.solve,
        operands=equations(),
        reference=np.linalg.solve,
        errors=[ErrorCase((np.zeros((2, 2)), np.ones(2)), np.linalg.LinAlgError, says=("lstsq", "(2, 2)"))],
        torch=lambda torch, a, b: torch.linalg.inv(a) @ b,
        by_hand=[ByHand((SQUARE, RIGHT), solve_by_hand)],
    ),
    record(
        "inv",
        linalg.inv,
        operands=squares(),
        reference=np.linalg.inv,
        errors=[SINGULAR, ODD],
        torch="linalg.inv",
        by_hand=[ByHand((SQUARE,), inv_by_hand)],
    ),
    record(
        "det",
        linalg.det,
        operands=squares(),
        reference=np.linalg.det,
        errors=[ODD],
        torch="linalg.det",
        by_hand=[
            ByHand((SQUARE / 100,), lambda a, g: (d := np.linalg.det(a), g * d * np.linalg.inv(a).T)),
        ],
    ),
    part(
        "log_of_det",
        determinants._log_of_det,
        operands=squares(),
        reference=lambda a: np.linalg.slogdet(a)[1],
    ),
    part(
        "sign_of_det",
        determinants._sign_of_det,
        operands=squares(),
        reference=lambda a: np.linalg.slogdet(a)[0],
    ),
    record(
        "slogdet",
        lambda a: linalg.slogdet(a).logabsdet,
        skip=WRAPPED,
        operands=squares(),
        reference=lambda a: np.linalg.slogdet(a).logabsdet,
        numpy=lambda a: np.linalg.slogdet(a).logabsdet,
        errors=[ODD],
        torch=lambda torch, a: torch.linalg.slogdet(a).logabsdet,
        by_hand=[ByHand((SQUARE,), log_of_det_by_hand)],
    ),
    part(
        "cholesky_factor",
        factorizations._cholesky,
        operands=squares(),
        reference=of_symmetric(np.linalg.cholesky),
    ),
    record(
        "cholesky",
        linalg.cholesky,
        operands=squares(),
        params={"upper": st.booleans()},
        reference=lambda a, upper: np.linalg.cholesky(symmetric(a), upper=upper),
        numpy=Without("it reads one triangle, where this takes the symmetric part"),
        errors=[ErrorCase((-np.eye(2),), np.linalg.LinAlgError, says=("positive definite",)), ODD],
        torch=lambda torch, a, upper: torch.linalg.cholesky((a + a.mT) / 2, upper=upper),
        by_hand=[ByHand((SQUARE,), cholesky_by_hand)],
    ),
    part(
        "eigh_values_and_vectors",
        factorizations._eigh,
        operands=squares(around=FULL),
    ),
    record(
        "eigh",
        of_eigenvectors(linalg.eigh),
        skip=WRAPPED,
        operands=squares(),
        reference=of_symmetric(of_eigenvectors(np.linalg.eigh)),
        numpy=Without("it reads one triangle, where this takes the symmetric part"),
        errors=[ODD],
        torch=torch_of_symmetric(eigh_in_torch),
        by_hand=[ByHand((SQUARE,), eigvalsh_by_hand, lambda a: linalg.eigh(a).eigenvalues)],
    ),
    record(
        "eigvalsh",
        linalg.eigvalsh,
        operands=squares(),
        reference=of_symmetric(np.linalg.eigvalsh),
        numpy=Without("it reads one triangle, where this takes the symmetric part"),
        torch=torch_of_symmetric(lambda torch, a: torch.linalg.eigvalsh(a)),
        by_hand=[ByHand((SQUARE,), eigvalsh_by_hand)],
    ),
    part("svd_parts", factorizations._svd, operands=matrices(around=FULL)),
    record(
        "svd",
        of_singular_vectors(linalg.svd, full_matrices=False),
        skip=WRAPPED,
        operands=matrices(),
        reference=of_singular_vectors(np.linalg.svd, full_matrices=False),
        numpy=Without("equal singular values have vectors that no two programs agree on"),
        errors=[ErrorCase((np.ones(3),), np.linalg.LinAlgError)],
        torch=svd_in_torch,
        by_hand=[ByHand((LONG,), svdvals_by_hand, lambda a: linalg.svd(a, compute_uv=False))],
    ),
    record(
        "svdvals",
        linalg.svdvals,
        operands=matrices(),
        reference=lambda a: np.linalg.svd(a, compute_uv=False),
        torch="linalg.svdvals",
        by_hand=[ByHand((LONG,), svdvals_by_hand)],
    ),
    part("qr_factors", factorizations._qr, operands=tall(around=FULL)),
    record(
        "qr",
        lambda a, *mode: joined(*linalg.qr(a, *mode)),
        skip=WRAPPED,
        operands=matrices(around=FULL),
        reference=lambda a: joined(*np.linalg.qr(a)),
        numpy=Without("small integers make dependent columns, which have no gradient"),
        errors=[ErrorCase((np.ones((2, 2)), "raw"), ValueError, says=("'reduced' or 'r'",))],
        torch=qr_in_torch,
        by_hand=[ByHand((LONG,), qr_by_hand, lambda a: linalg.qr(a, "r"))],
    ),
    record(
        "pinv",
        linalg.pinv,
        operands=matrices(),
        reference=np.linalg.pinv,
        torch="linalg.pinv",
        by_hand=[ByHand((LONG,), pinv_by_hand)],
    ),
    record(
        "lstsq",
        solved(linalg.lstsq),
        skip=WRAPPED,
        operands=overdetermined(),
        reference=solved(np.linalg.lstsq),
        numpy=Without("what rank a matrix of integers has, both decide by a bound"),
        errors=[ErrorCase((np.ones((2, 3)), np.ones(3)), np.linalg.LinAlgError)],
        torch=lstsq_in_torch,
        by_hand=[ByHand((LONG, numbers(300, 5)), lstsq_by_hand, lambda a, b: linalg.lstsq(a, b).x)],
    ),
    record(
        "matrix_power",
        linalg.matrix_power,
        operands=squares(),
        params={"n": st.integers(-3, 6)},
        reference=np.linalg.matrix_power,
        errors=[ErrorCase((np.ones((2, 3)), 2), np.linalg.LinAlgError)],
        torch=lambda torch, a, n: torch.linalg.matrix_power(a, n),
        by_hand=[
            ByHand(
                (SQUARE / 100,), lambda a, g: (a @ a, g @ a.T + a.T @ g), lambda a: linalg.matrix_power(a, 2)
            )
        ],
    ),
    record(
        "multi_dot",
        linalg.multi_dot,
        operands=chain(),
        reference=np.linalg.multi_dot,
        linear_in=("arrays",),
        errors=[
            ErrorCase(([np.ones((2, 3))],), ValueError, says=("at least two",)),
            ErrorCase(([np.ones((2, 3)), np.ones((2, 3))],), ValueError),
        ],
        torch=lambda torch, arrays: torch.linalg.multi_dot(arrays),
        by_hand=[
            ByHand(
                (SQUARE, RIGHT, RIGHT[:, 0]),
                lambda a, b, c, g: (
                    a @ (b @ c),
                    np.outer(g, b @ c),
                    np.outer(a.T @ g, c),
                    b.T @ (a.T @ g),
                ),
                lambda a, b, c: linalg.multi_dot([a, b, c]),
            )
        ],
    ),
]
