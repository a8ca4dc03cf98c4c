"""The checker finds the wrong gradients of other libraries, and passes their right ones."""

from pathlib import Path

import pytest

pytest.importorskip("autograd", reason="needs the peers extra: autograd")
pytest.importorskip("mygrad", reason="needs the peers extra: mygrad")

import peers_rules


@pytest.mark.parametrize("probe", peers_rules.PROBES, ids=lambda probe: f"{probe.library} {probe.text}")
def test_verdict(probe):
    found = peers_rules.verdict(probe)
    assert found == "right" if probe.right else found.startswith("wrong")


DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_stands_in_the_docs():
    assert peers_rules.table() in (DOCS / "property_testing.md").read_text(encoding="utf-8")


def test_the_scoreboard_stands_in_the_docs():
    for peer in ("jax", "torch"):
        pytest.importorskip(peer, reason=f"needs the peers extra: {peer}")
    import scoreboard

    assert scoreboard.table() in (DOCS / "scoreboard.md").read_text(encoding="utf-8")
