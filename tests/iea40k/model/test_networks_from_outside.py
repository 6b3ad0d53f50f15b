"""Networks of other packages, found by the entry point `iea40k.networks`."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest
import torch

from iea40k.errors import ConfigError
from iea40k.model.networks import Network, build, full_config, names, registry
from iea40k.model.weights import load_weights, save_weights


class Flat(torch.nn.Module):
    """The simplest network: one number."""

    def __init__(self, level):
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(float(level)))

    def forward(self, image):
        return self.level - image.mean(1, keepdim=True)


def _make(config):
    return Flat(**config)


NETWORK = Network("flat", _make, {"level": 0.5})
WRONG = object()


@pytest.fixture
def outside(monkeypatch):
    def found(group, name=None):
        entries = [
            EntryPoint(n, f"{__name__}:{o}", group) for n, o in (("flat", "NETWORK"), ("odd", "WRONG"))
        ]
        return EntryPoints(e for e in entries if group == registry.GROUP and name in (None, e.name))

    monkeypatch.setattr(registry, "entry_points", found)
    registry._from_outside.cache_clear()
    yield
    registry._from_outside.cache_clear()


@pytest.mark.usefixtures("outside")
def test_a_network_from_outside_is_built_saved_and_loaded(tmp_path):
    assert "flat" in names()
    assert full_config("flat", {"level": 0.25}) == {"level": 0.25}
    made = build("flat", {"level": 0.25})
    save_weights(
        tmp_path / "w.safetensors", made, "flat", {}, {"licence": "CC0-1.0", "trained_on": "nothing"}
    )
    assert float(load_weights(tmp_path / "w.safetensors").network.level.detach()) == 0.25


@pytest.mark.usefixtures("outside")
def test_what_is_no_network_is_named():
    with pytest.raises(ConfigError, match="no network"):
        build("odd")


def test_without_it_there_is_no_such_network():
    with pytest.raises(ConfigError, match="no such network"):
        build("flat")
