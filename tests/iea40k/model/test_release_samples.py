"""The images of a release as the trainer reads them, against the store that they came from."""

import shutil
import sys

import numpy as np
import pytest
import torch

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.model.data import BatchSampler, ExposureDataset, Rank, ViewConfig, make_loader, to_batch
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, write_release
from iea40k.uncertainty import UNKNOWN
from tests.builders import built_scene

SHAPES = {"wide": (200, 330), "tall": (330, 200)}  # several tiles each


@pytest.fixture(scope="module")
def scenes():
    made = {}
    for number in range(10):
        height, width = SHAPES["wide" if number % 2 else "tall"]
        name = f"scene_{number}"
        made[name] = built_scene(
            name, height=height, width=width, uncertainty=number % 3 == 0, device="camera", scene_class="x"
        )
    return made


@pytest.fixture(scope="module")
def release(scenes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    store = Store.create(folder / "store")
    for scene in scenes.values():
        store.write_scene(scene)
    return write_release(store, folder / "out", ReleaseOptions("1.0.0", ratios=(50, 25, 25)))


def test_every_image_of_every_part_is_that_of_the_store(release, scenes):
    seen = set()
    for split in ("train", "valid", "test"):
        samples = ReleaseSamples(release, "split_0", split)
        for number, sample in enumerate(samples.samples):
            scene = scenes[sample.scene_id]
            place = scene.levels.index(sample.level)
            window = slice(90, 190), slice(8, 199)
            pixels = samples.read(number, *window)
            np.testing.assert_array_equal(pixels.image, scene.exposures[place][window])
            np.testing.assert_array_equal(pixels.codes, scene.residual[place][window])
            if scene.uncertainty is not None:
                codes = scene.uncertainty[place][window]
                known = codes != UNKNOWN
                sd = np.exp2((codes[known].astype(float) - 252) / 24)
                np.testing.assert_allclose(pixels.uncertainty[known] / 32640, sd, atol=1 / 32640)
                assert (pixels.uncertainty[~known] == NO_UNCERTAINTY).all()
            elif pixels.uncertainty is not None:
                assert (pixels.uncertainty == NO_UNCERTAINTY).all()
            assert sample.shape == scene.reference.shape[:2]
            assert sample.ev == scene.evs[place]
            assert sample.groups["device"] == "camera"
            seen.add((sample.scene_id, sample.level))
    assert len(seen) == 30


def test_parts_share_no_scene(release):
    samples = [ReleaseSamples(release, "split_1", split).samples for split in ("train", "valid", "test")]
    splits = [{sample.scene_id for sample in found} for found in samples]
    assert not splits[0] & splits[1]
    assert not splits[0] & splits[2]


def test_levels_can_be_chosen_and_what_is_left_empty_is_refused(release):
    samples = ReleaseSamples(release, "split_0", "train", ["N1"])
    assert {s.level for s in samples.samples} == {"N1"}
    with pytest.raises(BadInputError, match="no image"):
        ReleaseSamples(release, "split_0", "train", ["P9"])
    with pytest.raises(BadInputError, match="no such split scheme"):
        ReleaseSamples(release, "split_9", "train")


def test_workers_that_are_spawned_read_the_release(release):
    samples = ReleaseSamples(release, "split_0", "train")
    sampler = BatchSampler(samples.samples, 4, by_shape=True, fill=False)
    loader = make_loader(
        ExposureDataset(samples, ViewConfig("whole", flips=False)), sampler, workers=1, start="spawn"
    )
    numbers = []
    for items in loader:
        batch = to_batch(items, spread_scale=0.05)
        assert (~batch.valid[:, :, :2]).all()  # the planted border without data
        assert batch.valid[:, :, 2:].all()
        numbers += batch.number.tolist()
    assert sorted(numbers) == list(range(len(samples.samples)))


METHODS = ["spawn", *(["fork"] if sys.platform == "linux" else [])]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def batches(release, *, workers=0, start=None, seek=(0, 0), epochs=1, rank=None):
    samples = ReleaseSamples(release, "split_0", "train")
    sampler = BatchSampler(samples.samples, 4, seed=5, rank=rank)
    view = ViewConfig("random", 128, seed=5)
    loader = make_loader(ExposureDataset(samples, view), sampler, workers=workers, start=start)
    found = []
    for epoch in range(epochs):
        sampler.seek(seek[0] + epoch, seek[1] if epoch == 0 else 0)
        found += [{name: tensor.clone() for name, tensor in items.items()} for items in loader]
    return found


def assert_same(one, other):
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("start", METHODS)
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_no_batch_of_a_release(release, start, workers):
    alone = batches(release, epochs=2)
    assert not torch.equal(alone[0]["image"], alone[len(alone) // 2]["image"])
    assert_same(batches(release, epochs=2, workers=workers, start=start), alone)


def test_a_run_goes_on_where_it_stopped_bit_by_bit(release):
    whole = batches(release, seek=(3, 0), epochs=2)
    assert_same(batches(release, seek=(3, 2), epochs=2, workers=2, start=METHODS[-1]), whole[2:])


def test_ranks_together_read_what_one_would(release):
    alone = batches(release)
    ranks = [batches(release, rank=Rank(number, 2)) for number in (0, 1)]
    for k, items in enumerate(alone):
        for name, tensor in items.items():
            if name == "uncertainty" and not all(name in rank[k] for rank in ranks):
                continue  # a rank leaves out what none of its own images has
            assert torch.equal(tensor[0::2], ranks[0][k][name])
            assert torch.equal(tensor[1::2], ranks[1][k][name])
    numbers = [set(torch.cat([items["number"] for items in rank[:-1]]).tolist()) for rank in ranks]
    assert not numbers[0] & numbers[1]
    everything = {n for rank in ranks for items in rank for n in items["number"].tolist()}
    assert everything == set(range(len(ReleaseSamples(release, "split_0", "train").samples)))


@pytest.mark.parametrize("start", [None, *METHODS])
@pytest.mark.parametrize("damage", ["flipped", "cut short", "missing"])
def test_damage_stops_the_loader(release, tmp_path, start, damage):
    shutil.copytree(release.path, tmp_path / "copy")
    for file in (tmp_path / "copy" / "arrays").glob("*/residual/c/*/*/*"):
        data = bytearray(file.read_bytes())
        for place in range(100, len(data) - 5000, 500):  # in every chunk, not in the index
            data[place] ^= 4
        file.write_bytes(data if damage == "flipped" else data[:-50])
        if damage == "missing":
            file.unlink()
    with pytest.raises(CorruptDataError, match=r"damaged|missing"):
        batches(Release.open(tmp_path / "copy"), workers=int(start is not None), start=start)
