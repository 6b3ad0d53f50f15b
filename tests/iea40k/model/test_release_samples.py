"""The images of a release as the trainer reads them, against the store that they came from."""

import numpy as np
import pytest

from iea40k.errors import BadInputError
from iea40k.model.data import BatchSampler, ExposureDataset, ViewConfig, make_loader, to_batch
from iea40k.model.data.release_samples import ReleaseSamples
from iea40k.scene import NO_UNCERTAINTY
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from tests.builders import built_scene

SHAPES = {"wide": (40, 64), "tall": (64, 40)}


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
    for part in ("train", "valid", "test"):
        samples = ReleaseSamples(release, "split_0", part)
        for number, sample in enumerate(samples.samples):
            scene = scenes[sample.scene_id]
            place = scene.levels.index(sample.level)
            pixels = samples.read(number, slice(4, 20), slice(8, 30))
            np.testing.assert_array_equal(pixels.image, scene.exposures[place, 4:20, 8:30])
            np.testing.assert_array_equal(pixels.codes, scene.residual[place, 4:20, 8:30])
            if scene.uncertainty is not None:
                np.testing.assert_array_equal(pixels.spread, scene.uncertainty[4:20, 8:30])
            elif pixels.spread is not None:
                assert (pixels.spread == NO_UNCERTAINTY).all()
            assert sample.shape == scene.reference.shape[:2]
            assert sample.ev == scene.evs[place]
            assert sample.groups["device"] == "camera"
            seen.add((sample.scene_id, sample.level))
    assert len(seen) == 30


def test_parts_share_no_scene(release):
    samples = [ReleaseSamples(release, "split_1", part).samples for part in ("train", "valid", "test")]
    parts = [{sample.scene_id for sample in found} for found in samples]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]


def test_levels_can_be_chosen_and_what_is_left_empty_is_refused(release):
    samples = ReleaseSamples(release, "split_0", "train", ["N1"])
    assert {s.level for s in samples.samples} == {"N1"}
    with pytest.raises(BadInputError, match="no image"):
        ReleaseSamples(release, "split_0", "train", ["P9"])
    with pytest.raises(BadInputError, match="no such splitting"):
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
