"""No optimizer, schedule or function is forgotten: each is exported, and has its record."""

from records.optimizers import OPTIMIZERS, SCHEDULES
from records.rooms import defined

from tinygrad_cnn import optim

INTERNAL = {"Binding", "bindable", "in_order"}


def test_what_the_modules_define_is_exported():
    assert set(optim.__all__) == defined(optim).keys() - INTERNAL


def test_every_optimizer_and_every_schedule_has_a_record():
    classes = {name: value for name, value in defined(optim).items() if isinstance(value, type)}
    optimizers = {name for name, value in classes.items() if issubclass(value, optim.Optimizer)}
    assert {record.name for record in OPTIMIZERS} == optimizers - {"Optimizer"}
    assert {record.name for record in SCHEDULES} == classes.keys() - optimizers - INTERNAL
