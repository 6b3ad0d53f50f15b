"""Photographs on disk to residual, heat map and score; folders of outputs to a ranking."""

import json

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from iea40k.errors import BadInputError
from iea40k.model.judging import judge_folders
from iea40k.model.predict import PredictOptions, find_images, predict_files, predict_image, shrink
from iea40k.model.weights import Weights
from iea40k.render import heatmap
from tests.iea40k.model.photographs import exposed

torch.set_num_threads(1)


class Half(nn.Module):
    """The residual of every pixel is 0.5 minus its mean channel; remembers the sizes that it saw."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.seen, self.shift = [], shift

    def forward(self, image):
        self.seen.append(tuple(image.shape[-2:]))
        return 0.5 + self.shift - image.mean(1, keepdim=True)


def weights(short_side=64, **keywords):
    return Weights(Half(**keywords), "p_ieanet_s", {}, {"short_side": short_side})


def grey(value, size=(80, 120)):
    return np.full((*size, 3), value, np.uint8)


def save(folder, name, image):
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / name), image[..., ::-1])
    return folder / name


def test_three_files_a_photograph_with_known_values(tmp_path):
    path = save(tmp_path, "dark room.png", grey(51))
    (outcome,) = predict_files(weights(), [path], tmp_path / "out")
    residual = np.load(tmp_path / "out" / "dark room_residual.npy")
    assert residual.dtype == np.float32
    assert residual.shape == (80, 120)
    np.testing.assert_allclose(residual, 0.3, atol=1e-6)
    facts = json.loads((tmp_path / "out" / "dark room.json").read_text())
    assert facts["score"] == pytest.approx(7.0)
    assert facts["underexposed_share"] == 1
    assert facts["overexposed_share"] == 0
    assert facts["seen_size"] == [96, 64]
    assert facts == outcome.facts
    picture = cv2.imread(str(tmp_path / "out" / "dark room_heatmap.png"))[..., ::-1]
    np.testing.assert_array_equal(picture, heatmap(residual))


@pytest.mark.parametrize("palette", ["blue-white-red", "colour-blind-safe"])
def test_a_picture_dark_everywhere_shows_no_red_at_all(tmp_path, palette):
    """The published heat map stretches each image's own range, and paints such a picture 42 % red."""
    rng = np.random.default_rng(0)
    path = save(tmp_path, "night.png", rng.integers(0, 60, (90, 90, 3), np.uint8))
    predict_files(weights(), [path], tmp_path / "out", PredictOptions(palette=palette))
    picture = cv2.imread(str(tmp_path / "out" / "night_heatmap.png"))[..., ::-1].astype(int)
    assert (np.load(tmp_path / "out" / "night_residual.npy") > 0).all()
    assert (picture[..., 2] >= picture[..., 0]).all()  # never redder than blue
    assert (picture[..., 2] > picture[..., 0]).mean() > 0.9


def test_one_bad_file_costs_one_file(tmp_path):
    good = save(tmp_path, "good.png", grey(100))
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff not a JPEG after all")
    outcomes = predict_files(weights(), [tmp_path / "bad.jpg", good, tmp_path / "gone.png"], tmp_path / "out")
    assert [o.error is None for o in outcomes] == [False, True, False]
    assert "gone.png" in str(outcomes[2].error)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "good.json",
        "good_heatmap.png",
        "good_residual.npy",
    ]


def test_images_that_would_overwrite_each_other_are_refused_before_any_work(tmp_path):
    paths = [save(tmp_path, "a.png", grey(9)), save(tmp_path, "a.jpg", grey(9))]
    with pytest.raises(BadInputError, match="same files"):
        predict_files(weights(), paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "seen", "size"),
    [
        (PredictOptions(), (64, 96), (80, 120)),
        (PredictOptions(native=True), (64, 96), (64, 96)),
        (PredictOptions(short_side=40), (40, 60), (80, 120)),
        (PredictOptions(short_side=0), (80, 120), (80, 120)),
        (PredictOptions(short_side=500), (80, 120), (80, 120)),
    ],
)
def test_what_the_network_sees_and_what_is_kept(options, seen, size):
    loaded = weights()
    prediction = predict_image(loaded, grey(51), options)
    assert loaded.network.seen == [seen]
    assert prediction.residual.shape == size
    assert prediction.facts["size"] == [size[1], size[0]]


def test_photographs_are_shrunk_in_linear_light():
    stripes = np.zeros((40, 40, 3), np.uint8)
    stripes[:, ::2] = 255
    assert (shrink(stripes, 20) == 188).all()  # half the light, not half the code


def test_exif_orientation_is_honoured(tmp_path):
    from PIL import Image

    image = grey(200)
    image[:40] = 20  # dark above, once it is upright
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(image)))
    exif = Image.Exif()
    exif[274] = 6  # "turn 90 degrees clockwise to see it upright"
    turned.save(tmp_path / "turned.png", exif=exif)
    predict_files(weights(), [tmp_path / "turned.png"], tmp_path / "out")
    residual = np.load(tmp_path / "out" / "turned_residual.npy")
    assert residual.shape == (80, 120)
    assert residual[:35].min() > 0.3
    assert residual[45:].max() < -0.2


def test_averaging_over_flips_makes_any_network_follow_flips():
    class Lopsided(nn.Module):
        def forward(self, image):
            ramp = torch.linspace(-0.2, 0.2, image.shape[-1])
            return (0.5 - image.mean(1, keepdim=True)) * 0.5 + ramp

    loaded = Weights(Lopsided(), "p_ieanet_s", {}, {})
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    options = PredictOptions(flips=True)
    plain = predict_image(loaded, image, options).residual
    flipped = predict_image(loaded, np.ascontiguousarray(image[:, ::-1]), options).residual
    np.testing.assert_allclose(flipped, plain[:, ::-1], atol=1e-6)
    assert np.abs(predict_image(loaded, image).residual - plain).max() > 0.1


def test_folders_give_their_photographs_and_nothing_else(tmp_path):
    names = ["b.png", "a.JPG", "notes.txt", "c.webp"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in find_images([tmp_path])] == ["a.JPG", "b.png", "c.webp"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="no photograph"):
        find_images([tmp_path / "empty"])


def test_a_webp_in_a_folder_is_told_and_costs_one_file(tmp_path):
    save(tmp_path / "in", "good.png", grey(100))
    save(tmp_path / "in", "modern.webp", grey(100))
    outcomes = predict_files(weights(), find_images([tmp_path / "in"]), tmp_path / "out")
    assert [o.error is None for o in outcomes] == [True, False]
    assert "WebP" in str(outcomes[1].error)


class Square(nn.Module):
    """Sees 48x48 only: its map is a ramp down, so that a map that was enlarged and made small again is another."""

    fixed_side = 48

    def forward(self, image):
        assert tuple(image.shape[-2:]) == (48, 48)
        return image[:, :1].square()


@pytest.mark.parametrize("flips", [False, True])
def test_native_keeps_the_very_map_of_a_network_of_one_size(flips):
    image = np.random.default_rng(3).integers(0, 256, (90, 200, 3), np.uint8)
    found = predict_image(
        Weights(Square(), "wavelet_net", {}, {}), image, PredictOptions(native=True, flips=flips)
    )
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    seen = torch.nn.functional.interpolate(tensor, (48, 48), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(found.residual, seen[0, 0].square(), atol=2e-5)
    assert found.facts["size"] == [48, 48]
    assert predict_image(Weights(Square(), "wavelet_net", {}, {}), image).residual.shape == (90, 200)


@pytest.mark.real_data
def test_native_equals_the_released_map_of_the_released_photograph(real_data):
    from iea40k.develop import load_encoded
    from iea40k.model.weights import load_weights

    folder = real_data / "official"
    image, _ = load_encoded(folder / "test1_high.jpg", short_side=None)
    found = predict_image(
        load_weights(folder / "wavelet_epoch_2.pth"), image, PredictOptions(native=True)
    ).residual
    wanted = np.load(folder / "test1_high_residual.npy")
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)


# ---------------------------------------------------------------- judging


@pytest.fixture
def enhancers(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        ideal = rng.integers(90, 166, (64, 80, 3), np.uint8)
        save(tmp_path / "ideal", f"{number}.png", ideal)
        for name, ev in (("dark", -1.5), ("bright", 2.5), ("close", 0.3)):
            save(tmp_path / name, f"{number}.png", exposed(ideal, ev))
    return tmp_path


def test_enhancers_are_ranked_by_their_mean_residual(enhancers):
    folders = [enhancers / name for name in ("bright", "close", "dark")]
    found = judge_folders(weights(), folders)
    assert [r.folder.name for r in found.ranking] == ["close", "dark", "bright"]
    assert found.ranking[0].wins == 3
    assert found.ranking[1].mean_residual > 0 > found.ranking[2].mean_residual
    assert found.images == ("0", "1", "2")


def test_outputs_are_compared_with_a_reference(enhancers):
    found = judge_folders(weights(), [enhancers / "dark", enhancers / "ideal"], reference=enhancers / "ideal")
    same = {r.folder.name: r.against_reference for r in found.ranking}
    assert same["ideal"] == {"sobel_iou": 1.0, "canny_iou": 1.0, "histogram_difference": 0.0}
    assert same["dark"]["histogram_difference"] > 0.5


def test_all_enhancers_are_judged_on_the_same_images(enhancers):
    (enhancers / "close" / "0.png").unlink()
    (enhancers / "dark" / "1.png").write_bytes(b"no picture")
    found = judge_folders(weights(), [enhancers / "close", enhancers / "dark"])
    assert found.images == ("2",)
    assert found.left_out == ("0",)
    assert len(found.failures) == 1
    assert "1.png" in str(found.failures[0])


def test_folders_without_a_common_image_are_refused(enhancers, tmp_path):
    save(tmp_path / "other", "z.png", grey(9))
    with pytest.raises(BadInputError, match="share no image"):
        judge_folders(weights(), [enhancers / "close", tmp_path / "other"])
