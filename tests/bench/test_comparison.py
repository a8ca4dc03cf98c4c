"""The benchmark's own parts: its arithmetic, its bars, its tables; and that the processes can talk."""

import math
import re
import sys

import pytest
import run
from comparison import bars, contest, problem, summary, tables
from comparison.sides import PEERS, PLAYERS, SIDES


def record(section="step", case=8, peer="torch", threads=1, **numbers):
    return {"section": section, "case": case, "peer": peer, "threads": threads} | numbers


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),  # quartiles are those of the turns: here of 1/2, 3/2, 1/4
    [
        ([[1, 1, 9], [3], [1]], [[2, 2], [2], [4]], (1 / 2, (0.375, 1.0), 1, 2)),
        ([[1.0]], [[4.0]], (0.25, (0.25, 0.25), 1, 4)),
    ],
)
def test_a_ratio_is_of_medians_over_all_calls(ours, theirs, expected):
    assert summary.ratio(ours, theirs) == expected


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_the_exponent_of_a_power_is_found(power):
    sizes = [8, 16, 64, 100]
    assert math.isclose(summary.exponent(sizes, [3 * size**power for size in sizes]), power, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("numbers", "value"),
    [
        ({"counts": [0, 0, 7]}, 0),
        ({"sizes": [1, 2, 4], "times": [[1, 1, 5], [2], [4]]}, 1),
        ({"ours": [[1]], "theirs": [[2]]}, 0.5),
    ],
)
def test_what_is_judged_follows_from_what_was_recorded(numbers, value):
    assert math.isclose(summary.measured(record(**numbers)).value, value, abs_tol=1e-12)


def test_convolutions_are_judged_together():
    ratios = {"a": 0.5, "b": 2.0, "c": 1.0}
    records = [record("conv", case, ours=[[x]], theirs=[[1.0]]) for case, x in ratios.items()]
    found = {derived["case"]: value.value for derived, value in summary.over_problems(records)}
    assert found == {summary.GEOMETRIC_MEAN: 1, summary.WORST: 2}
    assert list(summary.over_problems([*records, record("conv", "d", failure="no")])) == []


@pytest.mark.parametrize(
    ("what", "bound"),
    [
        (record(case=1, peer="mygrad", threads=2), 1.0),
        (record(case=8, peer="torch-channels-last"), 0.85),
        (record(case=256, threads=2), 1.2),
        (record(case=64, peer="jax", threads=2), 0.7),
        (record(case=64, threads=4), None),
        (record("inference", 64, peer="torch-channels-last"), None),
        (record("conv", summary.WORST, threads=2), 3.0),
        (record("engine", problem.SMALL_OP), 0.6),
        (record("engine", problem.CHAIN, peer="mygrad"), None),
        (record("growth", "pixels", None, 2), 1.05),
        (record("growth", "channels", None), None),
        (record("memory", "page faults, batch 64", None), 0),
        (record("memory", "page faults, batch 64, not opted in", None), None),
    ],
)
def test_bars(what, bound):
    assert bars.bound(what) == bound


def test_a_bar_names_what_is_measured():
    assert {bar.section for bar in bars.BARS} <= set(run.SECTIONS)
    assert set(PLAYERS) <= set(run.SECTIONS)
    for section, peers in PLAYERS.items():
        assert set(peers) <= {*PEERS, "ours"} <= set(SIDES)
        assert contest.cases(section, run.THOROUGH)


RESULT = {
    "machine": {
        "cpu": "a processor",
        "cores": 2,
        "load": 0.0,
        "system": "a system",
        "versions": {"numpy": "2"},
    },
    "quick": False,
    "records": [
        record(case=1, ours=[[2e-3]], theirs=[[1e-3]]),
        record(case=8, ours=[[1e-4]], theirs=[[1e-3]]),
        record(case=8, peer="jax", failure="ImportError: absent"),
        record("memory", "bytes added", ours=[[1e6]], theirs=[[2e6]], unit="MB"),
    ],
}


def test_a_table_shows_verdicts_units_and_failures():
    lines = tables.section("step", RESULT).splitlines()
    row = {number: [cell.strip() for cell in line.split("|")[1:-1]] for number, line in enumerate(lines)}
    assert row[4] == ["batch 1", "PyTorch eager, NCHW", "1", "2 ms", "1 ms", "2", "2 to 2", "1", "**missed**"]
    assert row[5][3:] == ["100 µs", "1 ms", "0.1", "0.1 to 0.1", "0.85", "holds"]
    assert row[6] == ["batch 8", "JAX jit", "1", "", "", "not run: ImportError: absent", "", "0.85", ""]
    assert row[7][3:6] == ["1.0 MB", "2.0 MB", "0.5"]
    assert lines[-1] == "a processor, 2 cores, load 0.0 before; a system; numpy 2."


def test_tables_go_into_a_page_between_their_marks_as_often_as_one_likes():
    page = "".join(f"<!-- measured: {name} -->\nstale {name}\n<!-- end -->\n\n" for name in ("step", "conv"))
    once = tables.fill(page, {"step": RESULT})
    assert "stale step" not in once
    assert "stale conv" in once
    assert re.search(
        r"<!-- measured: step -->\nForward.*a processor.*\n<!-- end -->\n\n<!--", once, re.DOTALL
    )
    assert tables.fill(once, {"step": RESULT}) == once


@pytest.mark.slow
def test_plots_are_written(tmp_path):
    pytest.importorskip("matplotlib", reason="plots are drawn by matplotlib (the extra 'bench')")
    from comparison import plots

    plots.save("step", RESULT | {"records": RESULT["records"][:3]}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"step.png", "step.svg"}


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="binds processes to cores, reads /proc")


@needs_linux
def test_sides_in_processes_take_turns_and_failures_are_told():
    effort = run.QUICK._replace(turns=2, seconds=0)
    with contest.Process("ours", 1) as ours, contest.Process("ours-plain", 1) as other:
        a, b = contest.alternate(ours, other, ("engine", problem.SMALL_OP), effort)
        assert len(a) == len(b) == 2
        assert all(seconds > 0 for turns in (a, b) for turn in turns for seconds in turn)
        with pytest.raises(contest.Failure, match="ours: AttributeError"):
            ours.ask("prepare", "nothing", 1)
        assert len(ours.ask("turn", 3, "engine", problem.SMALL_OP)) == 3  # it still answers
        assert ours.ask("memory_added", 1, 16) > 0


@needs_linux
def test_a_process_that_ends_is_a_failure():
    with contest.Process("nobody", 1) as nobody:
        with pytest.raises(contest.Failure, match="nobody: KeyError"):
            nobody.ask("prepare", "step", 1)
        nobody.process.kill()
        nobody.process.wait()
        with pytest.raises(contest.Failure, match="ended with code -9"):
            nobody.ask("prepare", "step", 1)


@needs_linux
@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS)
def test_every_peer_computes_the_same(peer):
    """Three steps, for the third loss depends on the gradients; a peer that is not installed is skipped."""
    effort = run.QUICK._replace(batches=(8,), turns=1)
    for found in contest.measure(list(PLAYERS), peer, 1, effort):
        if "No module named" in found.get("failure", ""):
            pytest.skip(found["failure"])
        assert "failure" not in found
