"""What the operations should give, by plain loops and sums: the one place that tests compare with.

Everything here follows the definition, in float64, and shares no code with the package: sizes of outputs are
counted here too. The geometry of a convolution or a pooling is given as pairs, ``padding`` as pairs of pairs;
`geometry` reads them off a `ConvSpec` or a `PoolSpec`. Convolutions and poolings are of any number of
dimensions, which are those of the kernel; of others than two, every option has to be given.
"""

import itertools
import math

import numpy as np

NO_PADDING = ((0, 0), (0, 0))


def each(function):
    """Make a function of one number a function of arrays, element by element."""
    return lambda x: np.array([function(v) for v in np.ravel(x)]).reshape(np.shape(x))


# --- places and windows -----------------------------------------------------------------------------------


def geometry(spec):
    """Read the options off a specification, in the form that the functions below take."""
    names = ("stride", "padding", "dilation", "groups", "ceil_mode")
    return {name: getattr(spec, name) for name in names if hasattr(spec, name)}


def same_padding(size, kernel, stride, dilation):
    """Pad so that a stride divides the input, rounded up; an odd element goes at the end."""
    pads = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def count_windows(n, kernel, stride, padding, dilation=1, ceil_mode=False):
    """Count the windows of one axis; with ``ceil_mode`` the last may hang over the end."""
    before, after = padding
    spare = n + before + after - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return spare // stride + 1
    count = -(-spare // stride) + 1
    return count - 1 if (count - 1) * stride >= n + before else count


def windows(size, kernel, *, stride=(1, 1), padding=NO_PADDING, dilation=(1, 1), ceil_mode=False):
    """Yield each window: its place in the output, and its taps with the input places that they read.

    A tap that reads padding is left out.
    """
    counts = output_size(size, kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    for place in itertools.product(*map(range, counts)):
        inside = []
        for tap in itertools.product(*map(range, kernel)):
            read = tuple(
                i * s + t * d - before
                for i, t, s, d, (before, _) in zip(place, tap, stride, dilation, padding, strict=True)
            )
            if all(0 <= at < n for at, n in zip(read, size, strict=True)):
                inside.append((tap, read))
        yield place, inside


def output_size(size, kernel, *, stride=(1, 1), padding=NO_PADDING, dilation=(1, 1), ceil_mode=False):
    """Count the windows along both axes."""
    axes = zip(size, kernel, stride, padding, dilation, strict=True)
    return tuple(count_windows(*axis, ceil_mode) for axis in axes)


# --- convolution ------------------------------------------------------------------------------------------


def _meeting(size, weight_shape, groups, options):
    """Yield all that one product of a convolution joins: indices of the output, the weight and the input."""
    outputs, per_group, *kernel = weight_shape
    for place, inside in windows(size, kernel, **options):
        for (tap, read), o, c in itertools.product(inside, range(outputs), range(per_group)):
            channel = o // (outputs // groups) * per_group + c
            yield (slice(None), o, *place), (o, c, *tap), (slice(None), channel, *read)


def conv2d(x, weight, bias=None, *, groups=1, **options):
    """Cross-correlation of (N, C, H, W) with (O, C / groups, KH, KW)."""
    size = output_size(x.shape[2:], weight.shape[2:], **options)
    out = np.zeros((len(x), len(weight), *size))
    for to, tap, origin in _meeting(x.shape[2:], weight.shape, groups, options):
        out[to] += x[origin] * weight[tap]
    return out if bias is None else out + bias.reshape(-1, *(1 for _ in size))


def conv2d_input(y, weight, size, *, groups=1, **options):
    """The gradient of `conv2d` to an input of height and width ``size``, for the cotangent ``y``."""
    out = np.zeros((len(y), weight.shape[1] * groups, *size))
    for origin, tap, to in _meeting(size, weight.shape, groups, options):
        out[to] += y[origin] * weight[tap]
    return out


def conv2d_weight(x, y, kernel, *, groups=1, **options):
    """The gradient of `conv2d` to a weight of height and width ``kernel``, for the cotangent ``y``."""
    out = np.zeros((y.shape[1], x.shape[1] // groups, *kernel))
    for place, tap, origin in _meeting(x.shape[2:], out.shape, groups, options):
        out[tap] += np.sum(x[origin] * y[place])
    return out


def conv_transpose(
    x, weight, bias=None, *, stride=(1, 1), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1), groups=1
):
    """Each input element adds a kernel to the output; weight is (C, O / groups, *kernel)."""
    size = [
        (n - 1) * s + d * (k - 1) + 1 + extra - 2 * p
        for n, s, p, extra, d, k in zip(
            x.shape[2:], stride, padding, output_padding, dilation, weight.shape[2:], strict=True
        )
    ]
    out = np.zeros((len(x), weight.shape[1] * groups, *size))
    per_group = len(weight) // groups
    axes = x.ndim - 2
    for c, o, *rest in np.ndindex(*weight.shape[:2], *x.shape[2:], *weight.shape[2:]):
        start, tap = rest[:axes], rest[axes:]
        to = [i * s + k * d - p for i, s, k, d, p in zip(start, stride, tap, dilation, padding, strict=True)]
        if all(0 <= at < n for at, n in zip(to, size, strict=True)):
            channel = c // per_group * weight.shape[1] + o
            out[:, channel, *to] += x[:, c, *start] * weight[c, o, *tap]
    return out if bias is None else out + bias.reshape(-1, *[1] * axes)


# --- pooling ----------------------------------------------------------------------------------------------


def winners(x, kernel, **options):
    """Yield each output index with the index of its window's first largest element."""
    for place, inside in windows(x.shape[2:], kernel, **options):
        for image in np.ndindex(*x.shape[:2]):
            if inside:
                best = inside[int(np.argmax([x[image][read] for _, read in inside]))][1]
                yield (*image, *place), (*image, *best)


def max_pool2d(x, kernel, **options):
    """Take the largest element of each window, or minus infinity where it holds nothing but padding."""
    return max_pool2d_gather(x, x, kernel, empty=-np.inf, **options)


def max_pool2d_gather(v, x, kernel, *, empty=0.0, **options):
    """Take the elements of ``v`` at the places where ``x`` wins."""
    out = np.full((*x.shape[:2], *output_size(x.shape[2:], kernel, **options)), empty)
    for to, origin in winners(x, kernel, **options):
        out[to] = v[origin]
    return out


def max_pool2d_scatter(y, x, kernel, **options):
    """The gradient of `max_pool2d`: every cotangent goes to the winner of its window."""
    out = np.zeros(x.shape)
    for origin, to in winners(x, kernel, **options):
        out[to] += y[origin]
    return out


def _divisor(place, inside, size, kernel, count_include_pad, stride, padding):
    """Count a window's elements within the input, or within the padded input."""
    if not count_include_pad:
        return len(inside)
    ends = [n + sum(pads) for n, pads in zip(size, padding, strict=True)]
    return math.prod(
        min(i * s + k, end) - i * s for i, s, k, end in zip(place, stride, kernel, ends, strict=True)
    )


def _averaged(size, kernel, count_include_pad, options):
    """Yield each window's place, what it reads, and the number that its sum is divided by."""
    stride, padding = options.get("stride", (1, 1)), options.get("padding", NO_PADDING)
    for place, inside in windows(size, kernel, **options):
        yield place, inside, _divisor(place, inside, size, kernel, count_include_pad, stride, padding)


def avg_pool2d(x, kernel, *, count_include_pad=True, **options):
    """Take the mean of each window."""
    out = np.zeros((*x.shape[:2], *output_size(x.shape[2:], kernel, **options)))
    for place, inside, count in _averaged(x.shape[2:], kernel, count_include_pad, options):
        for _, read in inside:
            out[(..., *place)] += x[(..., *read)] / count
    return out


def avg_pool2d_input(y, size, kernel, *, count_include_pad=True, **options):
    """The gradient of `avg_pool2d` to an input of height and width ``size``."""
    out = np.zeros((*y.shape[:2], *size))
    for (i, j), inside, count in _averaged(size, kernel, count_include_pad, options):
        for _, (row, column) in inside:
            out[:, :, row, column] += y[:, :, i, j] / count
    return out


def adaptive_avg_pool2d(x, size):
    """Take the means of windows that divide each axis into ``size`` parts, with borders rounded outwards."""
    return adaptive_pool2d(x, size, lambda window: np.sum(window, (2, 3)) / math.prod(window.shape[2:]))


def adaptive_pool2d(x, size, reduce):
    """Reduce windows that divide each axis into ``size`` parts, with borders rounded outwards."""
    out = np.zeros((*x.shape[:2], *size))
    for place in np.ndindex(*size):
        part = tuple(
            slice(i * n // count, -(-(i + 1) * n // count))
            for i, n, count in zip(place, x.shape[2:], size, strict=True)
        )
        out[(..., *place)] = reduce(x[(..., *part)])
    return out


# --- normalization ----------------------------------------------------------------------------------------


def standardized(x, eps):
    """Give all elements together mean 0 and, but for ``eps``, variance 1; return the factor of this too."""
    centred = x - np.sum(x) / x.size
    factor = 1 / math.sqrt(np.sum(centred**2) / x.size + eps)
    return centred * factor, factor


def _channels(x):
    return range(x.shape[1] if len(x) else 0)


def batch_norm(x, weight, bias, *, eps):
    """Standardize each channel by itself."""
    out = np.zeros(x.shape)
    for c in _channels(x):
        out[:, c] = standardized(x[:, c], eps)[0] * weight[c] + bias[c]
    return out


def batch_norm_weight(y, x, *, eps):
    """The gradient of `batch_norm` to its weight, for the cotangent ``y``."""
    out = np.zeros(x.shape[1])
    for c in _channels(x):
        out[c] = np.sum(y[:, c] * standardized(x[:, c], eps)[0])
    return out


def batch_norm_input(y, x, weight, *, eps):
    """The gradient of `batch_norm` to its input, for the cotangent ``y``."""
    out = np.zeros(x.shape)
    for c in _channels(x):
        hat, factor = standardized(x[:, c], eps)
        pull, n = y[:, c], y[:, c].size
        out[:, c] = weight[c] * factor * (pull - np.sum(pull) / n - hat * np.sum(pull * hat) / n)
    return out


def layer_norm(x, weight, bias, *, eps):
    """Standardize the last axes of each sample, as many as ``weight`` has."""
    out = np.zeros(x.shape)
    for index in np.ndindex(x.shape[: x.ndim - weight.ndim]):
        out[index] = standardized(x[index], eps)[0] * weight + bias
    return out


def group_norm(x, groups, weight, bias, *, eps):
    """Standardize each group of channels of each sample."""
    out = np.zeros(x.shape)
    each_group = x.shape[1] // groups
    for n, first in itertools.product(range(len(x)), range(0, x.shape[1], each_group)):
        part = slice(first, first + each_group)
        hat, _ = standardized(x[n, part], eps)
        for c in range(each_group):
            out[n, first + c] = hat[c] * weight[first + c] + bias[first + c]
    return out


# --- moving and adding ------------------------------------------------------------------------------------


def scatter_add(x, key, *, shape):
    """Add each element of ``x`` to zeros, at the place that ``key`` selects."""
    out = np.zeros(math.prod(shape))
    places = np.arange(out.size).reshape(shape)[key]
    for place, value in zip(np.ravel(places), np.ravel(x), strict=True):
        out[place] += value
    return out.reshape(shape)


def concatenate(xs, axis):
    """Insert slice after slice into an array that begins empty."""
    if axis is None:
        xs, axis = [np.array(x, order="C").reshape(-1) for x in xs], 0
    shape = list(xs[0].shape)
    shape[axis] = 0
    out = np.empty(shape)
    for x in xs:
        for i in range(x.shape[axis]):
            out = np.insert(out, out.shape[axis], np.take(x, i, axis), axis)
    return out


def pad(x, *, widths, constant_values=0.0):
    """Put the elements one by one into an array of constants."""
    size = [n + before + after for n, (before, after) in zip(x.shape, widths, strict=True)]
    out = np.full(size, constant_values)
    for index in np.ndindex(x.shape):
        out[tuple(i + before for i, (before, _) in zip(index, widths, strict=True))] = x[index]
    return out


def roll(x, shift, axis):
    """Take each element from where it stood ``shift`` places before, round the end."""
    if axis is None:
        return roll(x.reshape(-1), shift, 0).reshape(x.shape)
    n = x.shape[axis]
    return np.take(x, (np.arange(n) - shift) % max(n, 1), axis)


def sum_to(x, shape):
    """Sum away what broadcasting ``shape`` to the shape of ``x`` adds."""
    while x.ndim > len(shape):
        x = np.sum(x, axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            x = np.sum(x, axis=axis, keepdims=True)
    return x


def cumsum(x, axis):
    """Keep the running total."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    out, total = np.zeros(x.shape), 0.0
    for i in range(x.shape[axis]):
        index = (slice(None),) * (axis % x.ndim) + (i,)
        total = total + x[index]
        out[index] = total
    return out


# --- products ---------------------------------------------------------------------------------------------


def matmul(a, b):
    """Multiply with a shared axis, and sum over it."""
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    out = np.sum(left[..., :, :, None] * right[..., None, :, :], axis=-2)
    if a.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if b.ndim == 1 else out


def einsum(*xs, inputs, output):
    """Give every operand an axis for each letter, multiply, and sum over what the output lacks."""
    letters = sorted(set("".join(inputs)))
    product = np.ones((1,) * len(letters))
    for x, own in zip(xs, inputs, strict=True):
        ordered = np.transpose(x, [own.index(c) for c in sorted(own)])
        lengths = iter(ordered.shape)
        product = product * ordered.reshape([next(lengths) if c in own else 1 for c in letters])
    total = np.sum(product, axis=tuple(i for i, c in enumerate(letters) if c not in output))
    kept = [c for c in letters if c in output]
    return np.transpose(total, [kept.index(c) for c in output])


# --- functions of one number, and losses ------------------------------------------------------------------


def sinc(x, *, order=0):
    """Sum the power series ``sum (-1)**k pi**2k x**2k / (2k + 1)!``, differentiated term by term."""
    total = np.zeros(np.shape(x))
    for k in range(math.ceil(order / 2), 40):
        factor = (-1) ** k * math.pi ** (2 * k) * math.perm(2 * k, order) / math.factorial(2 * k + 1)
        total = total + factor * x ** (2 * k - order)
    return total


def normal_cdf(x):
    """The probability that a standard normal number is below ``x``."""
    return (1 + each(math.erf)(x / math.sqrt(2))) / 2


def gelu(x, *, approximate="none"):
    """Multiply ``x`` by the normal distribution function, or by PyTorch's formula for it with tanh."""
    if approximate == "none":
        return x * normal_cdf(x)
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def softmax(x, axis=-1):
    """Divide exponentials by their sum."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


def nll_loss(log_p, labels, *, weight=None, ignore_index=None, label_smoothing=0.0):
    """Return the loss of each sample, and the weight that it has in a mean."""
    losses, weights = np.zeros(len(log_p)), np.zeros(len(log_p))
    classes = np.ones(log_p.shape[1]) if weight is None else weight
    for i, (row, label) in enumerate(zip(log_p, labels, strict=True)):
        if label != ignore_index:
            target = np.full(len(row), label_smoothing / len(row))
            target[label] += 1 - label_smoothing
            weights[i] = classes[label]
            losses[i] = -sum(t * c * v for t, c, v in zip(target, classes, row, strict=True) if t)
    return losses, weights


def reduced(losses, weights, reduction):
    """Return the losses themselves, their sum, or their mean by weight."""
    if reduction == "none":
        return losses
    total = np.sum(losses)
    return total if reduction == "sum" else total / np.sum(weights)


def cross_entropy(logits, labels, *, reduction="mean", **options):
    """Take the negative log-probability of the labels, sample by sample."""
    losses, weights = nll_loss(np.log(softmax(logits, 1)), labels, **options)
    return reduced(losses, weights, reduction)
