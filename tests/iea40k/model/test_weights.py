"""Weights: what is written is what is read, what is damaged or foreign is refused, and nothing is ever unpickled."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.model.networks import build
from iea40k.model.weights import load_weights, residual_map, save_weights

FACTS = {"licence": "CC0-1.0", "trained_on": "nothing", "metrics": {"mae": 0.25}}
torch.set_num_threads(1)


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(3)
    network = build("p_ieanet_s", {"depth": 2}).eval()
    path = tmp_path / "w.safetensors"
    save_weights(path, network, "p_ieanet_s", {"depth": 2}, FACTS)
    return path, network


def test_weights_come_back_with_their_network_and_facts(saved):
    path, network = saved
    loaded = load_weights(path)
    assert (loaded.name, loaded.config["depth"], loaded.facts) == ("p_ieanet_s", 2, FACTS)
    image = torch.rand(1, 3, 40, 40)
    with torch.inference_mode():
        assert torch.equal(loaded.network(image), network(image))
    assert not loaded.network.training


def test_a_flipped_bit_is_noticed(saved):
    path, _ = saved
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptDataError, match="not those that were written"):
        load_weights(path)


def test_a_changed_licence_is_noticed(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes().replace(b"CC0-1.0", b"CC0-9.0"))
    with pytest.raises(BadInputError, match="header"):
        load_weights(path)


def test_weights_without_a_licence_are_not_written(tmp_path):
    with pytest.raises(BadInputError, match="licence"):
        save_weights(tmp_path / "w.safetensors", build("p_ieanet_s"), "p_ieanet_s", {}, {"trained_on": "x"})
    assert list(tmp_path.iterdir()) == []


def test_tensors_of_nobody_are_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(BadInputError, match="does not say"):
        load_weights(tmp_path / "a.safetensors")
    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(BadInputError, match="no network that is known"):
        load_weights(tmp_path / "a.pth")
    with pytest.raises(BadInputError, match="there are no such weights"):
        load_weights(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("content", [b"", b"not weights at all"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_files_of_another_kind_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(BadInputError):
        load_weights(path)


class _Trap:
    def __reduce__(self):
        return (open, ("trap-sprung", "w"))


def test_code_in_a_pth_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(_Trap(), "trap.pth")
    with pytest.raises(BadInputError, match="cannot be loaded safely"):
        load_weights("trap.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(_Trap(), protocol=2))
    with pytest.raises(BadInputError):
        load_weights("raw.pth")
    assert not (tmp_path / "trap-sprung").exists()


def test_a_pth_is_recognised_by_its_tensor_names_alone(tmp_path):
    torch.manual_seed(0)
    network = build("wavelet_net").eval()
    renamed = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": renamed, "epoch": 2}, tmp_path / "whatever.pth")
    loaded = load_weights(tmp_path / "whatever.pth")
    assert loaded.name == "wavelet_net"
    assert all(
        torch.equal(a, b) for a, b in zip(loaded.network.state_dict().values(), renamed.values(), strict=True)
    )


@pytest.mark.real_data
def test_the_released_file_loads(real_data):
    loaded = load_weights(real_data / "official" / "wavelet_epoch_2.pth")
    assert loaded.name == "wavelet_net"
    image = torch.rand(1, 3, 100, 70)
    with torch.inference_mode():
        assert residual_map(loaded.network, image).shape == (1, 1, 100, 70)
