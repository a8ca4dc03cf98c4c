"""The sizes at which a kernel changes its way, each with what was measured.

They were measured with NumPy's OpenBLAS on one thread, with 1 MiB of second-level cache and 32 MiB of third.
On another machine they cost a little speed and change no result beyond rounding. Kernels read them here at
every call, so that a test can set a size once for all of them.
"""

# --- Products of matrices ----------------------------------------------------------------------------------

SMALL_PRODUCT = 1_000_000
"""OpenBLAS multiplies (m, k) by (k, n) without packing its operands where m * n * k is at most this.

That is up to twice as fast. With m = 8 and k = 9, a long product ran at 43 billion operations a second, and
at 91 when it was cut into products below this size; with 8 and 144 it was 54 and 85, with 16 and 72 88 and
103.
"""

SMALL_OUTPUT = 1152
"""With the second operand transposed it does so only where the result has at most this many elements."""

SMALLEST_CUT = 1 << 18
"""Products of fewer multiplications lose more by being cut than they gain."""

SHORTEST_PIECE = 16
"""Pieces of a matrix with fewer rows or columns lose more than they gain."""

SHORTEST_CHUNK = 64
"""Pieces of a matrix of columns with fewer windows lose more than they gain."""

FEWEST_TAPS = 16
"""Pieces of a weight gradient with fewer taps lose more than they gain."""

LARGEST_OPERAND = 1 << 17
"""An operand of more elements does not stay in the cache from one piece to the next, so it is not cut."""

SMALLEST_OUTER = 1 << 13
"""An outer product of fewer elements is not worth the two wider operands of a product of depth 2."""

# --- Convolution -------------------------------------------------------------------------------------------

COLUMNS_IN_A_BLOCK = 1 << 19
"""The most elements of one block of columns, except that a single window is never cut.

Smaller blocks share fewer rows, larger ones are read from main memory.
"""

NARROW_ROW = 192
"""Output rows with fewer windows are multiplied many at a time, from columns in full.

Products of single rows are then too short, and a weight gradient adds up too many of them.
"""

NARROW_SMALL_ROW = 96
"""The same limit for a forward convolution whose rows are small products: nothing is added up there."""

FLIPPED_OUTPUTS = 4
"""With this many times more outputs than inputs, a gradient adds columns instead of being a convolution.

A convolution of the gradient needs columns of the outputs, and is up to twice as slow from here on.
"""

# --- Pooling and the rectifier -----------------------------------------------------------------------------

POOLED_IN_A_BLOCK = 1 << 18
"""The most elements of ``x`` under one block of a pooling on one thread: it stays in the cache."""

POOLED_IN_A_SHARED_BLOCK = 1 << 20
"""The same limit where threads share the blocks.

A pooling makes many calls, at each of which a thread may have to wait for another: then fewer and longer
calls are faster.
"""

LARGE_RECTIFIER = 1 << 12
"""From this many elements on, the faster loop of a rectifier outweighs its slower call."""

# --- Memory ------------------------------------------------------------------------------------------------

MAPPED = 1 << 17
"""Size in bytes from which a C library maps fresh pages for an array, which costs more than to fill them."""

# --- Threads: waking one takes up to 50 us, so that less work is faster on one thread ----------------------

SHARED_ELEMENTS = 1 << 19
"""The fewest elements of a pooling or a rectifier that are worth sharing between threads."""

SHARED_PRODUCT = 1 << 23
"""The fewest multiplications of a product of matrices that are worth sharing between threads."""

SHARED_CONVOLUTION = 1 << 25
"""The fewest multiplications of a convolution that are worth sharing between threads."""

COLUMN_WORK = 16
"""Writing one element of the columns takes as long as this many multiplications."""
