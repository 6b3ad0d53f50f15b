"""Re-exposures are ranked, not pictures: what is another picture, a mesh or nothing stands last and is named."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from iea40k.colour import decode_srgb, encode_srgb
from iea40k.model.guard import kept
from iea40k.model.judging import judge_folders, wanted_luma
from iea40k.model.paired import bootstrap_interval, paired_p
from iea40k.model.weights import load_weights

torch.set_num_threads(1)
NAMES = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def photographs():
    found = {}
    for name in NAMES:
        picture = getattr(skimage.data, name)()
        found[name] = np.ascontiguousarray(picture[:300, :400])
    return found


def exposed(picture, stops):
    return encode_srgb(decode_srgb(picture) * np.float32(2.0**stops))


def save(folder, name, image):
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / f"{name}.png"), image[..., ::-1])


def checkerboard(shape):
    return np.repeat((np.indices(shape[:2]).sum(0) % 2 * 255)[..., None], 3, 2).astype(np.uint8)


def others(source, picture, wrong):
    """What is no re-exposure of `source`, by name."""
    noise = np.random.default_rng(0).integers(0, 256, source.shape, np.uint8)
    mesh = checkerboard(source.shape).astype(np.int64) // 255 * 24 - 12
    return {
        "grey card": np.full_like(source, 128),
        "checkerboard": checkerboard(source.shape),
        "noise": noise,
        "another photograph": wrong,
        "meshed": np.clip(picture.astype(np.int64) + mesh, 0, 255).astype(np.uint8),
        "flattened": np.rint(128 + (picture - 128.0) * 0.08).astype(np.uint8),
        "burnt": exposed(picture, 6),
    }


@pytest.mark.parametrize("stops", [-2.0, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_re_exposure_is_named_and_what_is_one_is_not(photographs, name, stops):
    picture = photographs[name]
    source = exposed(picture, stops)
    contrast = np.clip((picture / 255.0) ** 1.3 * 255, 0, 255).astype(np.uint8)
    for own in (source, picture, contrast, exposed(source, -0.5)):
        assert kept(source, own).reasons == ()
    wrong = photographs[NAMES[(NAMES.index(name) + 1) % 4]]
    for kind, other in others(source, picture, wrong).items():
        assert kept(source, other).reasons, kind


def test_another_size_is_the_same_picture_and_another_shape_is_not(photographs):
    picture = photographs["coffee"]
    smaller = cv2.resize(picture, (200, 150), interpolation=cv2.INTER_AREA)
    assert kept(picture, smaller).reasons == ()
    assert kept(picture, picture[:, :200]).reasons == ("another shape than the input's",)


def test_an_input_without_detail_is_compared_where_it_can_be():
    grey = np.full((64, 64, 3), 90, np.uint8)
    found = kept(grey, grey + 20)
    assert np.isnan(found.gradient)
    assert found.reasons == ()
    assert kept(grey, checkerboard(grey.shape)).reasons


@pytest.fixture(scope="module")
def folders(tmp_path_factory, photographs):
    root = tmp_path_factory.mktemp("enhancers")
    for number, (name, picture) in enumerate(photographs.items()):
        source = exposed(picture, (-2.5, 2.0)[number % 2])
        save(root / "input", name, source)
        save(root / "identity", name, source)
        save(root / "expert", name, picture)
        wrong = list(photographs.values())[(number + 1) % 4]
        for kind, other in others(source, picture, wrong).items():
            save(root / kind, name, other)
    return root


def test_the_expert_stands_first_and_other_pictures_last(folders):
    names = sorted(p.name for p in folders.iterdir() if p.name != "input")
    found = judge_folders(load_weights("curve_net"), [folders / n for n in names], inputs=folders / "input")
    order = [entry.folder.name for entry in found.ranking]
    assert order[:2] == ["expert", "identity"]
    assert {entry.folder.name for entry in found.ranking if entry.last} == set(order[2:])
    assert found.ranking[0].marked == {}
    assert found.ranking[0].wins >= 3
    low, high = found.ranking[0].interval
    assert low <= found.ranking[0].mean_abs_residual <= high
    assert found.ranking[1].behind > 0
    assert found.ranking[1].p <= 0.25 + 1e-9  # four pairs cannot say more than 0.125


def test_without_inputs_a_grey_card_is_no_worse_than_a_photograph_to_a_network_that_likes_grey(folders):
    """Why inputs matter: by itself a network says of a grey card that it is well exposed."""
    found = judge_folders(load_weights("p_ieanet_s"), [folders / "expert", folders / "grey card"])
    assert found.ranking[0].folder.name == "grey card"
    assert not any(entry.last or entry.marked for entry in found.ranking)


def test_one_marked_output_of_many_costs_its_win_and_not_the_place(folders, tmp_path, photographs):
    for number in range(21):
        picture = photographs[NAMES[number % 4]][:96, : 120 + number]
        save(tmp_path / "in", str(number), exposed(picture, -2))
        save(tmp_path / "good", str(number), picture if number else np.full_like(picture, 128))
        save(tmp_path / "bad", str(number), exposed(picture, -3))
    found = judge_folders(
        load_weights("curve_net"), [tmp_path / "good", tmp_path / "bad"], inputs=tmp_path / "in"
    )
    first = found.ranking[0]
    assert first.folder.name == "good"
    assert list(first.marked) == ["0"]
    assert not first.last
    assert found.ranking[1].p < 0.01


def test_what_a_network_wants_is_a_photograph_of_the_input(photographs):
    source = exposed(photographs["astronaut"], -3)
    wanted = wanted_luma(load_weights("curve_net"), source)
    assert wanted.shape == source.shape[:2]
    assert wanted.mean() > 0.25 > (source.mean() / 255)
    picture = np.repeat(np.rint(wanted * 255).astype(np.uint8)[..., None], 3, 2)
    assert kept(source, picture).gradient > 0.95


def test_intervals_and_p_values_are_what_their_definitions_say():
    assert paired_p(np.full(8, 0.3)) == pytest.approx(2 / 2**8)
    assert paired_p(np.array([1.0, -1.0])) == 1
    rng = np.random.default_rng(5)
    chance = [paired_p(rng.normal(size=15)) for _ in range(40)]
    assert 0.3 < np.mean(chance) < 0.7
    assert paired_p(rng.normal(1.5, 1, 40)) < 0.001
    low, high = bootstrap_interval(rng.normal(0.5, 0.1, 100))
    assert low < 0.5 < high
    assert high - low == pytest.approx(4 * 0.1 / 10, rel=0.3)
