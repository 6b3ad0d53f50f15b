"""A checkpoint gives back what was written, or says that it is damaged; it never gives other numbers."""

import random
from pathlib import Path

import pytest
import torch

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.model.training.checkpoint import Progress, load_checkpoint, save_checkpoint

IDENTITY = {"config": "c", "release": "r"}


def state() -> dict[str, object]:
    generator = torch.Generator().manual_seed(3)
    return {
        "network": {"a.weight": torch.randn(40, 7, generator=generator), "steps": torch.tensor(12)},
        "optimizer": {
            "state": {0: {"step": 3.0}},
            "groups": [{"lr": 0.1, "betas": (0.9, 0.99), "fused": None}],
        },
    }


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "checkpoint.pt", IDENTITY, Progress(step=5, seconds=1.5), state())
    return tmp_path / "checkpoint.pt"


def test_it_comes_back_as_it_was(file: Path) -> None:
    before = torch.get_rng_state()
    progress, found = load_checkpoint(file, IDENTITY)
    assert progress == Progress(step=5, seconds=1.5)
    assert same(found, state())
    torch.set_rng_state(before)
    with pytest.raises(BadInputError, match="another run"):
        load_checkpoint(file, {**IDENTITY, "release": "other"})


def test_flipped_bits_never_load_as_other_numbers(file: Path, tmp_path: Path) -> None:
    data, rng, refused = file.read_bytes(), random.Random(5), 0
    random_state = torch.get_rng_state()
    places = [rng.randrange(len(data)) for _ in range(150)]
    places += list(range(data.index(state_bytes()), data.index(state_bytes()) + 20))  # the weights themselves
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.randrange(8)
        (tmp_path / "flipped.pt").write_bytes(flipped)
        try:
            progress, found = load_checkpoint(tmp_path / "flipped.pt", IDENTITY)
        except CorruptDataError:
            refused += 1
        else:
            assert progress == Progress(step=5, seconds=1.5), place
            assert same(found, state()), place
    torch.set_rng_state(random_state)
    assert refused >= 60


def state_bytes() -> bytes:
    tensor = state()["network"]["a.weight"]  # type: ignore[index]
    return bytes(tensor.numpy().tobytes()[:64])


def test_a_checkpoint_of_earlier_versions_is_read(file: Path) -> None:
    payload = torch.load(file, weights_only=True)
    del payload["digest"]
    torch.save({**payload, "format": 1}, file)
    assert load_checkpoint(file, IDENTITY)[0].step == 5
    torch.save({**payload, "format": 2}, file)
    with pytest.raises(CorruptDataError, match="cannot be read"):
        load_checkpoint(file, IDENTITY)
