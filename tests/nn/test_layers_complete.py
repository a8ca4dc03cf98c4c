"""No layer is forgotten: each is exported, and has its record."""

from records.layers import LAYERS
from records.rooms import defined

from tinygrad_cnn import nn

BASES = {"Layer", "Parameterless"}


def test_what_the_modules_define_is_exported():
    initial = {name for name, value in defined(nn).items() if value.__module__ == nn.init.__name__}
    assert set(nn.init.__all__) == initial
    assert set(nn.__all__) == (defined(nn).keys() - initial) | {"init"}


def test_every_layer_has_a_record():
    layers = {
        name for name, value in defined(nn).items() if isinstance(value, type) and issubclass(value, nn.Layer)
    }
    assert {record.name for record in LAYERS} == layers - BASES
