"""The tape: primitives, the nodes that they record, and the reverse walk.

A *primitive* is a NumPy function with one gradient rule for each operand. Called with tensors it records a
node; walking the nodes from the newest to the oldest, and applying at each the rules of its primitive, is
reverse-mode differentiation. The tape knows shapes and dtypes, not mathematics.

Read the rooms in this order: `node` (what is recorded), `primitive` (how), `adjoints` (the primitives that
the walk itself needs), `reverse` (the walk) and `leaving` (how numbers leave the tape). `hook` changes how
calls are recorded while somebody watches.
"""

from .adjoints import accumulator as accumulator
from .adjoints import add as add
from .adjoints import astype as astype
from .adjoints import broadcast_to as broadcast_to
from .adjoints import in_single as in_single
from .adjoints import single as single
from .adjoints import sum_to as sum_to
from .hook import Hook as Hook
from .leaving import LostGradientError as LostGradientError
from .leaving import array_for as array_for
from .leaving import is_connected as is_connected
from .leaving import lost_gradient as lost_gradient
from .node import RELEASED as RELEASED
from .node import Box as Box
from .node import Leaf as Leaf
from .node import Node as Node
from .node import box as box
from .node import constant_for as constant_for
from .node import new_serial as new_serial
from .node import raw as raw
from .node import require_floating as require_floating
from .primitive import Edge as Edge
from .primitive import Plan as Plan
from .primitive import Primitive as Primitive
from .primitive import Rule as Rule
from .primitive import primitive as primitive
from .reverse import walk as walk
