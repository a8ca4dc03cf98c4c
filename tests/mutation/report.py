"""The tables of a run, and the list of the mutants that no test noticed."""

import json
from pathlib import Path
from typing import Any

from .sample import ROOMS

JUDGED = Path(__file__).with_name("equivalent.json")


def judgements(sample: list[dict[str, Any]]) -> dict[str, str]:
    """Return why mutants of a sample change nothing that a test could see, by the key of the mutant.

    A mutant that was found again in another tree keeps the judgement that it had in the first.
    """
    judged = {record["key"]: record["reason"] for record in json.loads(JUDGED.read_text(encoding="utf-8"))}
    for record in sample:
        if record.get("found") in ("same", "edited") and record["was"] in judged:
            judged.setdefault(record["key"], judged[record["was"]])
    return judged


def markdown(records: list[dict[str, Any]], equivalent: dict[str, str]) -> str:
    """Write the report of a run."""
    parts = ["# Mutants\n", _table(records, equivalent)]
    survivors = [record for record in records if record["status"] == "survived"]
    real = [record for record in survivors if record["key"] not in equivalent]
    parts.append(f"## Survivors that a test should notice: {len(real)}\n")
    parts += [_entry(record) for record in real]
    parts.append(f"\n## Survivors that change nothing a test could see: {len(survivors) - len(real)}\n")
    parts += [_entry(r) + f"  - {equivalent[r['key']]}\n" for r in survivors if r["key"] in equivalent]
    return "\n".join(parts)


def _table(records: list[dict[str, Any]], equivalent: dict[str, str]) -> str:
    rooms = dict.fromkeys((*ROOMS, *(record["room"] for record in records)))
    of_room = {room: [record for record in records if record["room"] == room] for room in rooms}
    rows = [_row(room, of_room[room], equivalent) for room in rooms if of_room[room]]
    head = "| room | mutants | killed | of these timeouts | survived | equivalent | killed of the others |"
    return (
        "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|", *rows, _row("all", records, equivalent)])
        + "\n"
    )


def _row(name: str, records: list[dict[str, Any]], equivalent: dict[str, str]) -> str:
    survived = [r for r in records if r["status"] == "survived"]
    timeouts = sum(r["status"] == "timeout" for r in records)
    same = sum(r["key"] in equivalent for r in survived)
    killed, others = len(records) - len(survived), len(records) - same
    percent = f"{100 * killed / others:.1f} %" if others else "-"
    return f"| {name} | {len(records)} | {killed} | {timeouts} | {len(survived)} | {same} | {percent} |"


def _entry(record: dict[str, Any]) -> str:
    left = f" ({record['left']} tests not tried)" if record["left"] else ""
    return (
        f"- `{record['file']}:{record['line']}` in `{record['scope']}`, {record['operator']}{left}"
        f" [{record['key']}]\n  - `{record['original']}`\n  - `{record['mutated']}`\n"
    )
