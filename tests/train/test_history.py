"""The record of a run prints, is written, and comes back from the columns of a checkpoint."""

import csv
import json
import math

import numpy as np

from tinygrad_cnn.train import Checkpoint, History

ROWS = [
    {"epoch": 1, "step": 5, "loss": 0.5, "test_accuracy": 0.25, "seconds": 123.4},
    {"epoch": 2, "step": 10, "loss": math.inf, "test_accuracy": 1.0, "seconds": 2.0},
]


def test_it_is_a_sequence_of_rows_and_columns_by_name():
    history = History(ROWS[:1])
    history.append(ROWS[1])
    assert (len(history), list(history), history[-1]) == (2, ROWS, ROWS[1])
    assert history["test_accuracy"] == [0.25, 1.0]
    assert all(map(math.isnan, history["none"]))


def test_it_prints_as_a_table():
    assert str(History(ROWS)).splitlines() == [
        "epoch    loss  test accuracy  seconds",
        "    1  0.5000         25.00%    123.4",
        "    2     inf        100.00%      2.0",
    ]


def test_lines_of_json_and_csv_hold_all_rows_once(tmp_path):
    history = History(ROWS)
    for name in ("rows.jsonl", "rows.csv"):
        for _ in range(2):
            history.write(tmp_path / name)
    lines = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert lines == [ROWS[0], {**ROWS[1], "loss": None}]
    with (tmp_path / "rows.csv").open(newline="") as file:
        found = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert found == ROWS


def test_columns_make_the_same_history_again_also_after_a_checkpoint(tmp_path):
    for rows in (ROWS, []):
        history = History(rows)
        blank = Checkpoint({}, {}, {}, {}, 0, 0, {}, history.columns(), None, None, None)
        blank.save(tmp_path / "file")
        again = History.of_columns(Checkpoint.load(tmp_path / "file").history)
        assert list(again) == rows
        assert [type(v) for row in again for v in row.values()] == [
            type(v) for row in rows for v in row.values()
        ]


def test_a_history_of_ten_thousand_epochs_fits_into_a_checkpoint(tmp_path):
    history = History({**ROWS[0], "epoch": n} for n in range(10_000))
    Checkpoint({}, {}, {}, {}, 0, 0, {}, history.columns(), None, None, None).save(tmp_path / "file")
    found = Checkpoint.load(tmp_path / "file").history
    np.testing.assert_array_equal(found["epoch"], np.arange(10_000))
