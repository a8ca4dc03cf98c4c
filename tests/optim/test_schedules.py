"""What holds for every schedule, over the records; and where the formulas meet."""

import pytest
from numpy.testing import assert_allclose
from records.intervals import ends
from records.optimizers import SCHEDULES

from tinygrad_cnn.optim import OneCycle

every_case = pytest.mark.parametrize(
    ("record", "options"),
    [pytest.param(r, options, id=f"{r.name}-{options}") for r in SCHEDULES for options in r.options],
)


@every_case
def test_rates_follow_the_formula_and_stay_at_the_last(record, options):
    rate = record.make(**options)
    steps = [*range(60), 10**9]
    expected = [record.formula(step, **options) for step in steps]
    assert_allclose([rate(step) for step in steps], expected, rtol=1e-12, atol=1e-15)


@every_case
def test_rates_are_those_of_pytorch(record, options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, a peer (pip install '.[peers]')")
    lr = options["lr"] if "lr" in options else options["schedule"].lr
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    scheduler = record.torch(torch.optim.lr_scheduler, optimizer, **options)
    rate = record.make(**options)
    for step in range(options.get("steps", 20)):
        assert rate(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9, abs=1e-12)
        optimizer.step()
        if step + 1 < options.get("steps", 20):
            scheduler.step()


@every_case
def test_schedules_compare_by_value_and_are_frozen(record, options):
    schedule = record.make(**options)
    assert schedule == record.make(**options)
    assert hash(schedule) == hash(record.make(**options))
    assert repr(schedule).startswith(record.name)
    with pytest.raises(AttributeError):
        setattr(schedule, next(iter(options)), 1)


@pytest.mark.parametrize(
    ("record", "name", "interval"),
    [pytest.param(r, n, i, id=f"{r.name}-{n}") for r in SCHEDULES for n, i in r.intervals.items()],
)
def test_arguments_out_of_range_are_refused(record, name, interval):
    inside, outside = ends(interval)
    for value in inside:
        record.make(**{**record.options[0], name: value})
    for value in outside:
        with pytest.raises(ValueError, match=f"{record.name}: {name}: expected .*, got {value}"):
            record.make(**{**record.options[0], name: value})


def test_one_cycle_reaches_exactly_its_rate_at_the_top():
    assert OneCycle(0.87, steps=10, rise=0.5, start=3, end=7)(4) == 0.87  # the fall would begin an ulp away
    assert OneCycle(0.3, steps=10, rise=0.1)(0) == 0.3  # there is nothing to rise
