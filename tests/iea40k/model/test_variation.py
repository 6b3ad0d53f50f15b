"""Varied images keep labels that are true: the reference's luma minus the luma of what is shown."""

import numpy as np
import torch

from iea40k.arrays import LUMA_WEIGHTS
from iea40k.model.data import Batch
from iea40k.model.training.variation import Variation, vary
from iea40k.tone import expose_with_contrast
from tests.iea40k.model.photographs import Photographs, exposed

ALL = Variation(stops=0.5, contrast=0.5, colour=0.2, saturation=0.5)


def luma(image):
    return (image * torch.tensor(LUMA_WEIGHTS).reshape(1, 3, 1, 1)).sum(1, keepdim=True)


def batch_of(ev=-1.0, scenes=4):
    samples = Photographs(count=scenes, evs=(ev,))
    pixels = [samples.read(k) for k in range(scenes)]
    image = torch.from_numpy(np.stack([p.image for p in pixels])).permute(0, 3, 1, 2).float() / 255
    label = torch.from_numpy(np.stack([p.codes for p in pixels])).float().unsqueeze(1) / 32640
    valid = torch.ones_like(label, dtype=torch.bool)
    valid[:, :, :5] = False
    label[~valid] = 0
    return Batch(image, label, valid, torch.ones_like(label), torch.arange(scenes))


def test_the_label_is_recomputed_from_the_reference():
    before = batch_of()
    after = vary(before, ALL, seed=0, epoch=0)
    reference = before.label + luma(before.image)
    assert (after.image - before.image).abs().mean() > 0.02
    wanted = (reference - luma(after.image))[before.valid]
    torch.testing.assert_close(after.label[before.valid], wanted, atol=1e-6, rtol=0)
    assert (after.label[~before.valid] == 0).all()
    assert after.image.min() >= 0
    assert after.image.max() <= 1


def test_stops_are_stops_of_light():
    before = batch_of()
    after = vary(before, Variation(stops=0.5), seed=3, epoch=2)
    for k in range(len(before.image)):
        stops = 0.5 * float(np.random.default_rng((3, 2, k, 1)).uniform(-1, 1, 6)[0])
        picture = np.rint(before.image[k].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        wanted = exposed(picture, stops).astype(np.float32) / 255
        assert np.abs(after.image[k].permute(1, 2, 0).numpy() - wanted).max() < 1 / 255


def test_contrast_is_that_of_simulated_exposures():
    before = batch_of(ev=0.0, scenes=1)
    after = vary(before, Variation(contrast=1.0), seed=0, epoch=0)
    exponent = 2.0 ** float(np.random.default_rng((0, 0, 0, 1)).uniform(-1, 1, 6)[1])
    encoded = before.image[0].permute(1, 2, 0).numpy()
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    wanted = expose_with_contrast(np.ascontiguousarray(light, np.float32), [0.0], exponent)[0] / 255
    assert np.abs(after.image[0].permute(1, 2, 0).numpy() - wanted).max() < 1.5 / 255


def test_saturation_leaves_the_label_of_colours_that_fit():
    before = batch_of(ev=-2.0)
    after = vary(before, Variation(saturation=0.3), seed=0, epoch=0)
    assert (after.image - before.image).abs().max() > 0.01
    assert (after.label - before.label).abs().mean() < 1e-3


def test_draws_follow_seed_epoch_and_number_and_nothing_else():
    before = batch_of()
    one = vary(before, ALL, seed=1, epoch=1)
    assert torch.equal(one.image, vary(before, ALL, seed=1, epoch=1).image)
    for other in (vary(before, ALL, seed=2, epoch=1), vary(before, ALL, seed=1, epoch=2)):
        assert not torch.equal(one.image, other.image)
    alone = Batch(*(getattr(before, f)[2:3] for f in ("image", "label", "valid", "weight", "number")))
    assert torch.equal(vary(alone, ALL, seed=1, epoch=1).image[0], one.image[2])


def test_without_variation_the_batch_is_left_alone():
    before = batch_of()
    assert vary(before, Variation(), seed=0, epoch=0) is before
