"""The loader: image, label, validity and weight move together; order and position repeat exactly."""

import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.errors import BadInputError
from iea40k.model.data import BatchSampler, ExposureDataset, Rank, Resident, ViewConfig, make_loader, to_batch
from iea40k.model.data.batches import epoch_batches
from iea40k.scene import NO_UNCERTAINTY
from tests.iea40k.model.planted import Planted

SHAPES = [(60, 80), (80, 60), (60, 80), (60, 80), (80, 60), (90, 90), (60, 80)]


def together(item):
    """Whether every pixel of an item has the codes and the uncertainty of the place its image shows."""
    row, column = item["image"][0].int(), item["image"][1].int()
    there = item["codes"] != INVALID_CODE
    codes = torch.where(row == 3, INVALID_CODE, 100 * row + column).short()
    return bool(
        (item["codes"] == codes)[there].all() and (item["uncertainty"] == row + 2 * column)[there].all()
    )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5), st.integers(0, 6), st.integers(16, 100), st.sampled_from(["random", "centre", "whole"])
)
def test_image_label_and_spread_move_together(epoch, number, size, mode):
    dataset = ExposureDataset(Planted(SHAPES), ViewConfig(mode, size))
    item = dataset[epoch, number]
    assert together(item)
    assert (item["codes"] != INVALID_CODE).any()
    if mode != "whole":
        assert item["image"].shape == (3, size, size)


def test_what_a_small_image_lacks_is_invalid_and_not_zero():
    item = ExposureDataset(Planted([(60, 80)]), ViewConfig("centre", 100, flips=False))[0, 0]
    valid = item["codes"] != INVALID_CODE
    assert valid[:60, :80].sum() == 59 * 80  # row 3 has no data
    assert not valid[60:].any()
    assert not valid[:, 80:].any()


def test_random_views_differ_by_epoch_and_flips_reach_all_four():
    dataset = ExposureDataset(Planted([(60, 80)]), ViewConfig("random", 32))
    corners = set()
    for epoch in range(40):
        image = dataset[epoch, 0]["image"].int()
        assert torch.equal(image, dataset[epoch, 0]["image"].int())
        corners.add((bool(image[0, 0, 0] > image[0, -1, 0]), bool(image[1, 0, 0] > image[1, 0, -1])))
    assert len(corners) == 4
    starts = {tuple(dataset[epoch, 0]["image"][:2].flatten(1).min(1).values.tolist()) for epoch in range(40)}
    assert len(starts) > 25


def test_numbers_and_validity_of_a_batch():
    items = torch.utils.data.default_collate(
        [ExposureDataset(Planted([(60, 80)]), ViewConfig("whole", flips=False))[0, 0]]
    )
    batch = to_batch(items, spread_scale=0.1)
    assert batch.image[0, 1, 10, 20].item() == pytest.approx(20 / 255)
    assert batch.label[0, 0, 10, 20].item() == pytest.approx((1000 + 20) / RESIDUAL_SCALE)
    assert not batch.valid[0, 0, 3].any()
    assert batch.valid.sum() == 59 * 80
    assert (batch.label[~batch.valid] == 0).all()
    uncertainty = (10 + 2 * 20) / RESIDUAL_SCALE
    assert batch.weight[0, 0, 10, 20].item() == pytest.approx(0.01 / (0.01 + uncertainty**2))
    assert (to_batch(items).weight == 1).all()


class Mixed(Planted):
    """Every second image has no uncertainty."""

    def read(self, number, rows=slice(None), columns=slice(None)):
        pixels = super().read(number, rows, columns)
        return pixels if number % 2 else replace(pixels, uncertainty=None)


def test_a_batch_has_a_spread_where_any_of_its_images_has():
    view = ViewConfig(size=32)
    source = Mixed([(60, 80)] * 4)
    sampler = BatchSampler(source.samples, 4, shuffle=False)
    (loaded,) = make_loader(ExposureDataset(source, view), sampler)
    (kept,) = Resident(source, view, sampler)
    for items in (loaded, kept):
        assert (items["uncertainty"][::2] == NO_UNCERTAINTY).all()
        assert (items["uncertainty"][1::2] != NO_UNCERTAINTY).all()
        weight = to_batch(items, spread_scale=0.01).weight
        assert (weight[::2] == 1).all()
        assert (weight[1::2] < 1).any()
    without = Planted([(60, 80)] * 4, uncertainty=False)
    for batches in (make_loader(ExposureDataset(without, view), sampler), Resident(without, view, sampler)):
        (items,) = batches
        assert set(items) == {"image", "codes", "number"}


def test_numbers_of_a_batch_are_the_stored_ones_divided_and_nothing_else():
    codes = torch.arange(-32768, 32641, dtype=torch.int32).short()
    levels = torch.arange(codes.numel()).remainder(256).to(torch.uint8)
    items = {
        "image": levels.expand(1, 3, 1, -1).clone(),
        "codes": codes.reshape(1, 1, -1).clone(),
        "number": torch.zeros(1),
    }
    kept = {name: tensor.clone() for name, tensor in items.items()}
    batch = to_batch(items)
    assert torch.equal(batch.image, kept["image"].float() / 255)
    valid = codes != INVALID_CODE
    assert torch.equal(batch.label[0, 0, 0], torch.where(valid, codes.float() / RESIDUAL_SCALE, 0.0))
    assert torch.equal(batch.valid[0, 0, 0], valid)
    assert all(torch.equal(items[name], kept[name]) for name in items)


def test_an_unknown_spread_weighs_one():
    item = ExposureDataset(Planted([(40, 40)], uncertainty=False), ViewConfig("whole"))[0, 0]
    assert (to_batch(torch.utils.data.default_collate([item]), spread_scale=0.1).weight == 1).all()


def test_the_official_resize_never_mixes_in_what_has_no_data():
    items = torch.utils.data.default_collate(
        [ExposureDataset(Planted([(60, 80)]), ViewConfig("whole", flips=False))[0, 0]]
    )
    batch = to_batch(items, side=256)
    assert batch.image.shape == (1, 3, 256, 256)
    plain = torch.nn.functional.interpolate(
        items["image"].float() / 255, (256, 256), mode="bilinear", align_corners=False
    )
    assert torch.equal(batch.image, plain)
    # Codes are 100 row + column, so a valid pixel's label is that of the place its image shows.
    wanted = (100 * batch.image[:, :1] + batch.image[:, 1:2]) * 255 / RESIDUAL_SCALE
    error = (batch.label - wanted).abs()[batch.valid]
    assert error.max() < 1e-4
    assert not batch.valid[0, 0, 15].any()  # source rows 3 and 4 at 15.5 * 60 / 256 - 0.5 = 3.1
    assert batch.valid.float().mean() > 0.95


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 3), st.booleans(), st.booleans(), st.booleans())
def test_every_image_comes_once_an_epoch(batch, epoch, shuffle, by_shape, fill):
    samples = Planted(SHAPES).samples
    batches = epoch_batches(
        samples, batch, seed=1, epoch=epoch, shuffle=shuffle, by_shape=by_shape, fill=fill
    )
    flat = [n for b in batches for n in b]
    assert set(flat) == set(range(len(SHAPES)))
    if fill:
        assert all(len(b) == batch for b in batches)
    else:
        assert sorted(flat) == list(range(len(SHAPES)))
    if by_shape:
        assert all(len({samples[n].shape for n in b}) == 1 for b in batches)


def test_epochs_shuffle_differently_and_repeatably():
    samples = Planted([(40, 40)] * 50).samples
    orders = [
        [
            n
            for b in epoch_batches(samples, 5, seed=3, epoch=e, shuffle=True, by_shape=False, fill=True)
            for n in b
        ]
        for e in (0, 1, 0)
    ]
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    assert orders[0] != list(range(50))


def test_going_on_in_the_middle_gives_the_rest_without_reading_what_was_done():
    source = Planted([(40, 40)] * 20)
    sampler = BatchSampler(source.samples, 4, seed=2)
    sampler.seek(3)
    whole = list(sampler)
    sampler.seek(3, 2)
    assert list(sampler) == whole[2:]
    assert len(sampler) == 3
    list(make_loader(ExposureDataset(source, ViewConfig(size=32)), sampler))
    assert source.reads == 12


@pytest.mark.parametrize("fill", [True, False])
def test_ranks_share_each_batch_without_overlap(fill):
    samples = Planted([(40, 40)] * 10).samples
    alone = list(BatchSampler(samples, 4, seed=2, fill=fill))
    ranks = [list(BatchSampler(samples, 4, seed=2, fill=fill, rank=Rank(r, 2))) for r in (0, 1)]
    for k, batch in enumerate(alone):
        assert sorted(batch) == sorted(ranks[0][k] + ranks[1][k])


def test_impossible_batches_are_refused():
    with pytest.raises(BadInputError, match="divided"):
        BatchSampler(Planted(SHAPES).samples, 3, rank=Rank(0, 2))
    with pytest.raises(BadInputError, match="no image"):
        BatchSampler((), 4)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_give_the_same_batches_as_none(start):
    if start == "fork" and sys.platform != "linux":
        pytest.skip("fork is safe on Linux only")
    source = Planted(SHAPES)
    dataset = ExposureDataset(source, ViewConfig(size=48))

    def epochs(workers):
        sampler = BatchSampler(source.samples, 3, seed=1)
        loader = make_loader(dataset, sampler, workers=workers, start=start)
        found = []
        for epoch in range(2):
            sampler.seek(epoch)
            found += [item["image"].clone() for item in loader]
        return found

    for alone, shared in zip(epochs(0), epochs(2), strict=True):
        assert torch.equal(alone, shared)


@pytest.mark.parametrize("mode", ["random", "whole"])
def test_resident_batches_equal_those_of_a_loader_and_read_once(mode):
    source = Planted(SHAPES)
    sampler = BatchSampler(source.samples, 2, seed=1, by_shape=True)
    view = ViewConfig(mode, 64)
    resident = Resident(source, view, sampler)
    assert source.reads == len(SHAPES)
    for epoch in range(2):
        sampler.seek(epoch)
        kept = list(resident)
        loaded = list(make_loader(ExposureDataset(source, view), sampler))
        assert len(kept) == len(loaded) == len(resident)
        for a, b in zip(kept, loaded, strict=True):
            assert a.keys() == b.keys()
            assert all(torch.equal(a[name], b[name]) for name in a)


def test_few_images_of_a_scene_in_an_epoch_and_others_in_the_next():
    samples = Planted([(64, 64)] * 12).samples  # four scenes of three images
    taken = []
    for epoch in range(6):
        sampler = BatchSampler(samples, 2, seed=1, fill=False, per_scene=2)
        sampler.seek(epoch)
        numbers = [number for batch in sampler for _, number in batch]
        assert len(numbers) == len(set(numbers)) == len(sampler) * 2 == 8
        assert {samples[n].scene_id for n in numbers} == {s.scene_id for s in samples}
        taken.append(frozenset(numbers))
    assert len(set(taken)) > 1
