"""What an import costs, against that of NumPy: a process each time, in turns, with compiled bytecode at hand.

Timed inside the process, so that the start of the interpreter counts for nobody.
"""

import json
import os
import subprocess
import sys

from . import limits

MODULES = ("tinygrad_cnn", "autograd", "mygrad", "jax", "torch")
SCRIPT = """
import json, time
wall, cpu = time.perf_counter(), time.process_time()
import {}
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""
THREADS = 1


def cost(module):
    """Seconds on the wall, and of the processor, user and system."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(module)],
        env=environment,
        preexec_fn=lambda: limits.apply(THREADS),
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(result.stdout) if result.returncode == 0 else None


def measure(effort):
    """Yield two records a module, of wall and of processor time: ours is the module's, theirs NumPy's."""
    for module in MODULES:
        pairs = [(cost(module), cost("numpy")) for _ in range(effort.imports + 1)][1:]  # the first compiles
        for index, clock in enumerate(("wall time", "CPU time")):
            record = {"section": "import", "case": f"{module}, {clock}", "peer": "numpy", "threads": THREADS}
            if None in [a for a, _ in pairs]:
                record["failure"] = f"{module} cannot be imported"
            else:
                sides = zip(*pairs, strict=True)
                record["ours"], record["theirs"] = ([[one[index]] for one in side] for side in sides)
            yield record
