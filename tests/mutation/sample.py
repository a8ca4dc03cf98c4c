"""A sample of the mutants, and the same sample found again in another tree."""

import difflib
import hashlib
import random
from collections.abc import Iterable
from pathlib import Path

from .operators import Mutant, mutants

ROOMS = ("tape", "autodiff", "tree", "ops", "optim", "kernels")
SEED = 10
SIMILAR = 0.6  # how alike two statements must be to count as one that was edited
UNIQUE = 20  # characters from which on an equal statement in a function of another name is the same one


def room_of(file: str) -> str:
    """Return the room of a file: the first folder or module on its path."""
    return file.split("/")[0].removesuffix(".py")


def all_mutants(tree: Path, rooms: Iterable[str] | None = None) -> dict[str, list[Mutant]]:
    """Return every mutant of a checkout by file; of the given rooms only, or of the whole package."""
    package = tree / "tinygrad_cnn"
    found = {}
    for path in sorted(package.rglob("*.py")):
        file = str(path.relative_to(package))
        if rooms is None or room_of(file) in rooms:
            found[file] = mutants(path.read_text(encoding="utf-8"), file, room_of(file))
    return found


def draw(tree: Path, size: int, seed: int = SEED, rooms: Iterable[str] = ROOMS) -> list[Mutant]:
    """Return a sample of the mutants in the rooms, in the order of the text."""
    everything = [mutant for of_file in all_mutants(tree, rooms).values() for mutant in of_file]
    drawn = random.Random(seed).sample(range(len(everything)), min(size, len(everything)))
    return [everything[number] for number in sorted(drawn)]


# --- as records in a file ---------------------------------------------------------------------------------


def key(mutant: Mutant) -> str:
    """Return a short name of a mutant's identity."""
    return hashlib.sha1(repr(mutant.identity).encode(), usedforsecurity=False).hexdigest()[:10]


def as_record(mutant: Mutant) -> dict:
    """Return what a sample's file says of a mutant."""
    room, scope, statement, operator, occurrence = mutant.identity
    where = {"file": mutant.file, "line": mutant.line}
    what = {"scope": scope, "statement": statement, "operator": operator, "occurrence": occurrence}
    return {"key": key(mutant), "room": room, **where, **what}


def find(tree: Path, records: list[dict]) -> list[Mutant]:
    """Return the mutants of records that were made in this very tree."""
    known = {key(m): m for of_file in all_mutants(tree).values() for m in of_file}
    return [known[record["key"]] for record in records]


# --- found again after the code has moved -------------------------------------------------------------------


def relocate(tree: Path, records: list[dict], seed: int = SEED) -> list[tuple[str, dict, Mutant]]:
    """Return for each record how it was found ("same", "edited", "replaced") and its mutant in the tree.

    A mutant that is gone is replaced by another of its room, so that the rooms keep their numbers.
    """
    everything = [m for of_file in all_mutants(tree).values() for m in of_file]
    taken: set[tuple] = set()
    found: dict[int, tuple[str, dict, Mutant]] = {}
    for how, search in ("same", _same), ("edited", _edited):
        for number, record in enumerate(records):
            if number in found:
                continue
            free = [m for m in everything if m.operator == record["operator"] and m.identity not in taken]
            match = search(free, record)
            if match is not None:
                taken.add(match.identity)
                found[number] = how, record, match
    rng = random.Random(seed)
    for number, record in enumerate(records):
        if number not in found:
            room = [m for m in everything if m.room == record["room"] and m.identity not in taken]
            fresh = rng.choice(room or [m for m in everything if m.room in ROOMS and m.identity not in taken])
            taken.add(fresh.identity)
            found[number] = "replaced", record, fresh
    return [found[number] for number in range(len(records))]


def _nearness(mutant: Mutant, record: dict) -> tuple[bool, bool, bool, int]:
    return (
        mutant.room == record["room"],
        mutant.file.split("/")[-1] == record["file"].split("/")[-1],
        mutant.occurrence == record["occurrence"],
        -abs(mutant.line - record["line"]),
    )


def _same(free: list[Mutant], record: dict) -> Mutant | None:
    equal = [m for m in free if m.statement == record["statement"]]
    function = record["scope"].split(".")[-1]
    inside = [m for m in equal if m.scope == record["scope"]]
    inside = inside or [m for m in equal if m.scope.split(".")[-1] == function]
    if not inside and len(record["statement"]) >= UNIQUE:
        inside = equal
    return max(inside, key=lambda m: _nearness(m, record), default=None)


def _edited(free: list[Mutant], record: dict) -> Mutant | None:
    function = record["scope"].split(".")[-1]
    inside = [m for m in free if m.scope.split(".")[-1] == function]
    if function == "<module>":
        inside = [m for m in inside if m.room == record["room"]]
    rated = [(_likeness(m.statement, record["statement"]), _nearness(m, record), m) for m in inside]
    best = max(rated, key=lambda rating: rating[:2], default=None)
    return best[2] if best is not None and best[0] >= SIMILAR else None


def _likeness(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= SIMILAR <= matcher.quick_ratio() else 0.0
