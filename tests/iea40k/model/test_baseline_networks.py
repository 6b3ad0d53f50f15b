"""The baselines behind the registry: trained, saved and loaded as any network; UEC equal to what was published."""

import cv2
import numpy as np
import pytest
import torch

from iea40k.arrays import residual_from_codes
from iea40k.baselines import BASELINES
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.errors import AlreadyExistsError, BadInputError
from iea40k.model.data import Batch, Pixels, Sample
from iea40k.model.evaluate import network_predictor
from iea40k.model.losses import LossConfig
from iea40k.model.messias_loss import LAMBDA, enhancement_loss, messias_loss
from iea40k.model.networks import build, describe
from iea40k.model.networks.messias import exposure_maps
from iea40k.model.predict import PredictOptions, predict_image
from iea40k.model.training.config import load_config
from iea40k.model.training.loop import train
from iea40k.model.training.run import TrainingData
from iea40k.model.training.uec_training import total_variation, uec_loss
from iea40k.model.weights import load_weights
from iea40k.residuals import luma, residual_codes
from tests.planted import exposed

EVS = (-2.0, 0.0, 2.0)


class Ladder:
    """Implements `Samples`: finished photographs at three exposures, with their references."""

    def __init__(self, names=("astronaut", "chelsea", "coffee"), pictures=False):
        self.pictures = pictures
        self.references = [np.ascontiguousarray(exposed(n)[:160:2, :240:2]) for n in names]
        self.samples = tuple(
            Sample(name, f"{ev:+.0f}", ev, (80, 120), {"level": f"{ev:+.0f}"}) for name in names for ev in EVS
        )

    def read(self, number, rows=slice(None), columns=slice(None)):
        reference = self.references[number // 3]
        image = encode_srgb(decode_srgb(reference) * np.float32(2.0 ** EVS[number % 3]))
        codes = residual_codes(reference, image[None])[0]
        window = (rows, columns)
        shown = reference[window] if self.pictures else None
        return Pixels(image[window], codes[window], None, shown)


def config(network, **changes):
    common = {"batch": 2, "max_steps": 3, "threads": 1, "pictures": 0, "data": {"size": 64}}
    return load_config(None, {"network": network, "optimizer": {"warmup_steps": 1}, **common, **changes})


@pytest.mark.parametrize("name", [*BASELINES, "unet_s", "messias", "uec"])
def test_each_is_trained_saved_loaded_and_asked(name, tmp_path):
    data = TrainingData(Ladder(pictures=name == "messias"), Ladder(("rocket",)), {}, "photographs")
    done = train(data, tmp_path / "run", config(name))
    loaded = load_weights(done.weights)
    assert loaded.name == name
    image = Ladder(("rocket",)).read(0).image[:75, :111]
    found = predict_image(loaded, np.ascontiguousarray(image)).residual
    assert found.shape == (75, 111)
    assert np.isfinite(found).all()
    assert done.mae == pytest.approx(
        np.mean(
            [
                np.abs(network_predictor(loaded)(p.image) - residual_from_codes(p.codes)).mean()
                for p in map(Ladder(("rocket",)).read, range(3))
            ]
        ),
        abs=1e-5,
    )


def test_the_same_seed_gives_the_same_uec(tmp_path):
    data = TrainingData(Ladder(), Ladder(("rocket",)), {}, "photographs")
    runs = [load_weights(train(data, tmp_path / n, config("uec")).weights).network for n in ("a", "b")]
    for one, two in zip(runs[0].state_dict().values(), runs[1].state_dict().values(), strict=True):
        assert torch.equal(one, two)


def test_a_baseline_that_was_not_fitted_says_so():
    with pytest.raises(BadInputError, match="not fitted"):
        build("constant")(torch.zeros(1, 3, 8, 8))
    with pytest.raises(BadInputError, match="reference picture"):
        build("uec")(torch.zeros(1, 3, 32, 32))


def test_uec_needs_two_scenes_of_two_exposures(tmp_path):
    data = TrainingData(Ladder(("coffee",)), Ladder(("rocket",)), {}, "one photograph")
    with pytest.raises(BadInputError, match="two scenes"):
        train(data, tmp_path / "run", config("uec"))


def test_the_losses_of_uec_are_what_they_are_called():
    network = build("uec")
    shown = [torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(k)) for k in range(4)]
    total = float(uec_loss(network, *shown).detach())
    restored = network.passes(shown[0], shown[1])[0][-1]
    mean_square = float((restored - shown[1]).square().mean().detach())
    code = network.code(shown[0], like=shown[0])
    low, high = (
        network.once(shown[0], network.value(code, network.code(r, like=shown[0]))) for r in shown[2:]
    )
    monotony = float((low - high).clamp_min(0).mean().detach())
    assert total == pytest.approx(mean_square + monotony, rel=1e-5)
    network.tv = 0.1
    varied = float(uec_loss(network, *shown).detach())
    assert varied - total == pytest.approx(0.1 * float(total_variation(restored).detach()), rel=1e-3)


def test_exposure_maps_by_hand():
    reference = torch.tensor([0.2, 0.5, 0.4]).reshape(1, 3, 1, 1)
    image = torch.tensor([0.1, 0.25, 0.2]).reshape(1, 3, 1, 1)
    under, over = exposure_maps(image, reference)[0, :, 0, 0].tolist()
    assert under == pytest.approx((0.5 - 0.25) / 0.5)
    assert over == pytest.approx((0.2 - 0.1) / (1 - 0.2))
    assert exposure_maps(reference, reference).abs().max() == 0


def test_the_loss_of_messias_by_hand():
    reference = torch.full((1, 3, 16, 16), 0.8)
    restored = torch.full((1, 3, 16, 16), 0.7)
    valid = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    similarity = (2 * 0.7 * 0.8 + 1e-4) / (0.7**2 + 0.8**2 + 1e-4)  # flat pictures have no structure
    wanted = LAMBDA * (1 - similarity) / 2 + (1 - LAMBDA) * 0.3 * 0.1
    assert float(enhancement_loss(restored, reference, valid)) == pytest.approx(wanted, rel=0.01)
    valid[..., :3] = False
    restored[..., :3] = torch.nan
    assert float(enhancement_loss(torch.where(valid, restored, 0.1), reference, valid)) == pytest.approx(
        wanted, rel=0.01
    )


def test_messias_without_references_is_told(tmp_path):
    image = torch.rand(1, 3, 16, 16)
    one = torch.ones(1, 1, 16, 16)
    batch = Batch(image, 0 * one, one.bool(), one, torch.zeros(1))
    with pytest.raises(BadInputError, match="reference pictures"):
        messias_loss(build("messias")(image, parts=True), batch, LossConfig())


def test_references_are_cropped_and_flipped_with_their_images():
    from iea40k.model.data import ExposureDataset, ViewConfig, collate, to_batch
    from iea40k.model.structure_loss import luma_of

    for mode in ("random", "zoom", "centre"):
        dataset = ExposureDataset(Ladder(pictures=True), ViewConfig(mode, 64, True, 5))
        batch = to_batch(collate([dataset[0, n] for n in range(9)]))
        error = (luma_of(batch.reference) - luma_of(batch.image) - batch.label).abs()[batch.valid]
        assert float(error.max()) < (0.02 if mode == "zoom" else 1e-4)


def test_parameters_are_those_of_the_papers():
    assert sum(p.numel() for p in build("uec").parameters()) == 19_388
    network = build("messias")
    rates = [m.dilation[0] for m in network.attention if isinstance(m, torch.nn.Conv2d)]
    assert rates[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert len(rates) == 9
    assert [m.dilation[0] for m in network.encode[0].parallel] == [1, 2, 4, 8]
    assert describe("uec").fitted


@pytest.mark.real_data
@pytest.mark.parametrize("file", ["exposure-errors", "radiometry"])
def test_uec_equals_its_published_weights(real_data, file):
    loaded = load_weights(real_data / "uec" / f"{file}.pth")
    assert loaded.name == "uec"
    assert "non-commercial" in loaded.facts["licence"]
    expected = np.load(real_data / "uec" / "expected.npz")
    image, reference = (torch.from_numpy(expected[key])[None] for key in ("image", "reference"))
    with torch.inference_mode():
        pictures, values = loaded.network.passes(image, reference)
    name = file.replace("-", "_")
    for k in range(3):
        wanted = torch.from_numpy(expected[f"{name}_pass{k + 1}"])
        assert float((pictures[k][0] - wanted).abs().max()) < 1e-5
        assert values[k].item() == pytest.approx(expected[f"{name}_value{k + 1}"].item(), abs=1e-5)


def test_a_corrected_picture_is_a_proposal_for_a_reference(tmp_path):
    from pipelines.cli.program import run

    data = TrainingData(Ladder(), Ladder(("rocket",)), {}, "photographs")
    done = train(data, tmp_path / "run", config("uec"))
    image = np.ascontiguousarray(Ladder(("rocket",)).read(1).image)
    found = predict_image(load_weights(done.weights), image, PredictOptions(corrected=True))
    assert found.corrected.shape == image.shape
    assert luma(found.corrected) - luma(image) == pytest.approx(found.residual, abs=1 / 255)
    cv2.imwrite(str(tmp_path / "rocket.png"), image[..., ::-1])
    command = ["predict", str(done.weights), str(tmp_path / "rocket.png"), "--corrected", "-o"]
    assert run([*command, str(tmp_path / "out")]) == 0
    written = cv2.imread(str(tmp_path / "out" / "rocket_corrected.png"))[..., ::-1]
    assert np.array_equal(written, found.corrected)
    assert (
        run(
            ["predict", "p_ieanet_s", str(tmp_path / "rocket.png"), "--corrected", "-o", str(tmp_path / "no")]
        )
        == 1
    )


def test_a_fit_that_is_there_is_taken_as_it_is(tmp_path):
    data = TrainingData(Ladder(), Ladder(("rocket",)), {}, "photographs")
    first = train(data, tmp_path / "run", config("constant"))
    again = train(data, tmp_path / "run", config("constant"), resume=True)
    assert again.mae == pytest.approx(first.mae, abs=1e-10)  # a record holds twelve digits
    assert again.weights == first.weights
    with pytest.raises(AlreadyExistsError):
        train(data, tmp_path / "run", config("constant"))
