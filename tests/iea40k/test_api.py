"""What `import iea40k` offers: a release's images, residuals of arrays, predictions, a dataset for any loop."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

import iea40k
from iea40k.arrays import INVALID_CODE, codes_from_residual
from iea40k.errors import (
    ArrayError,
    BadInputError,
    CorruptDataError,
    MissingExtraError,
    NotThereError,
    OutOfRangeError,
    UnknownKeyError,
)
from iea40k.extras import require
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from iea40k.uncertainty import UNKNOWN
from tests.builders import built_scene

NAMES = [f"scene_{number}" for number in range(6)]


@pytest.fixture(scope="module")
def scenes():
    return {
        name: built_scene(name, height=70, width=90, uncertainty=number == 2, licence="CC0 <b>&</b>")
        for number, name in enumerate(NAMES)
    }


@pytest.fixture(scope="module")
def folders(scenes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("api")
    store = Store.create(str(folder / "store"))
    for scene in scenes.values():
        store.write_scene(scene)
    write_release(store, str(folder / "release"), ReleaseOptions("1.0.0", ratios=(50, 25, 25)))
    return folder


@pytest.fixture(scope="module")
def release(folders):
    return iea40k.open_release(str(folders / "release"))


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_it_imports_none_of_its_dependencies():
    heavy = "{'numpy', 'pandas', 'zarr', 'torch', 'cv2', 'scipy', 'pyarrow', 'skimage', 'typer'}"
    assert run(f"import sys, iea40k; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_what_it_offers_is_named_in_all_and_seen_by_dir():
    assert set(iea40k.__all__) <= set(dir(iea40k))
    for name in iea40k.__all__:
        assert getattr(iea40k, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'open_relase'"):
        _ = iea40k.open_relase


def test_a_residual_needs_no_torch():
    code = "import sys, numpy as np, iea40k; a = np.zeros((2, 2, 3), np.uint8); iea40k.residual(a, a)"
    assert run(f"{code}; print('torch' in sys.modules)") == "False"


# ---------------------------------------------------------------- images


def test_an_image_has_the_arrays_of_the_scene_that_it_came_from(release, scenes):
    scene = scenes["scene_2"]
    image = release["scene_2_N1"]
    number = scene.levels.index("N1")
    assert (image.image_id, image.scene, image.level, image.ev) == ("scene_2_N1", "scene_2", "N1", -1.0)
    assert np.array_equal(image.exposure, scene.exposures[number])
    assert np.array_equal(image.reference, scene.reference)
    assert np.array_equal(image.codes, scene.residual[number])
    assert np.array_equal(image.outliers, scene.outliers[number])
    assert np.array_equal(image.validity, scene.residual[number] != INVALID_CODE)
    assert np.array_equal(np.isnan(image.residual), ~image.validity)
    assert image.residual.dtype == np.float32
    assert np.array_equal(codes_from_residual(image.residual), image.codes)
    codes = scene.uncertainty[number].astype(float)
    meant = np.where(codes == UNKNOWN, np.nan, 2 ** ((codes - 252) / 24))
    assert np.allclose(image.uncertainty, meant, rtol=1e-5, equal_nan=True)
    assert image.spread is None
    assert not image.touched.any()
    assert image.shape == (70, 90)


def test_images_by_number_follow_the_table(release):
    assert len(release) == 18
    assert [image.image_id for image in release] == list(release.images["image_id"])
    assert release[-1].image_id == release[17].image_id == release[np.int64(17)].image_id
    assert release[0].licence == "CC0 <b>&</b>"
    assert "scene_0_P0" in release
    assert "scene_0_P3" not in release


def test_a_number_beyond_the_end_is_an_index_error_that_says_which_there_are(release):
    for number in (18, -19):
        with pytest.raises(IndexError, match=r"0 \.\.\. 17, or -18 \.\.\. -1") as caught:
            release[number]
        assert isinstance(caught.value, OutOfRangeError)
        assert isinstance(pickle.loads(pickle.dumps(caught.value)), IndexError)


def test_an_image_that_is_not_there_is_a_key_error_that_names_near_ones(release):
    with pytest.raises(KeyError, match="scene_3_N1") as caught:
        release["scene_3_N2"]
    assert isinstance(caught.value, UnknownKeyError)
    assert str(caught.value).splitlines()[0] == "the release has no such image"


def test_a_key_of_another_kind_is_a_type_error(release):
    with pytest.raises(TypeError):
        release[1.5]


# ---------------------------------------------------------------- opening


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_may_be_text_or_a_path(folders, kind):
    assert iea40k.open_release(kind(folders / "release")).version == "1.0.0"
    assert len(iea40k.open_store(kind(folders / "store")).scene_ids()) == 6


def test_a_store_named_as_a_release_is_told_and_the_other_way_round(folders):
    with pytest.raises(NotThereError, match="this is a store, not a release") as caught:
        iea40k.open_release(folders / "store")
    assert "iea40k release STORE OUT" in str(caught.value)
    with pytest.raises(NotThereError, match="this is a release, not a store"):
        iea40k.open_store(folders / "release")
    with pytest.raises(NotThereError, match="there is no release here"):
        iea40k.open_release(folders / "nowhere")
    with pytest.raises(NotThereError, match="there is no store here"):
        iea40k.open_store(folders)


# ---------------------------------------------------------------- notebooks


def test_in_a_notebook_a_release_shows_pictures_and_names_are_inert(release):
    shown = release._repr_html_()
    assert shown.count("<img ") == 6
    assert "18 images of 6 scenes" in shown
    assert "<b>&</b>" not in shown
    assert "CC0 &lt;b&gt;&amp;&lt;/b&gt;" in shown
    assert len(shown) < 400_000


def test_in_a_notebook_an_image_shows_exposure_reference_and_residual(release):
    shown = release["scene_1_P1"]._repr_html_()
    assert shown.count("<img ") == 3
    assert "+1 EV" in shown


def test_a_damaged_release_still_says_what_it_is_in_a_notebook(folders, tmp_path):
    copy = tmp_path / "release"
    shutil.copytree(folders / "release", copy)
    for file in (copy / "arrays").rglob("exposures/c/**/*"):
        if file.is_file():
            file.write_bytes(b"")
    damaged = iea40k.open_release(copy)
    assert "18 images of 6 scenes" in damaged._repr_html_()
    with pytest.raises(CorruptDataError):
        _ = damaged[0].exposure


def test_a_repr_fits_a_line(release):
    assert repr(release).startswith("<Release exposure dataset 1.0.0 in ")
    assert repr(release).endswith("18 images of 6 scenes>")
    assert repr(release[0]).startswith("<ReleaseImage scene_0_N1: -1 EV, 90x70 pixels")


# ---------------------------------------------------------------- residuals


def test_residuals_of_arrays_are_those_that_a_store_holds(release, scenes):
    scene = scenes["scene_1"]
    for number, level in enumerate(scene.levels):
        image = release[f"scene_1_{level}"]
        computed = iea40k.residual(image.reference, image.exposure, image.validity)
        assert np.array_equal(computed, image.residual, equal_nan=True)
        stacked = iea40k.residual(scene.reference, scene.exposures, image.validity)
        assert np.array_equal(stacked[number], computed, equal_nan=True)


def test_a_residual_of_other_arrays_is_refused():
    picture = np.zeros((4, 5, 3), np.uint8)
    for other in (picture[:3], picture[..., 0], picture.astype(np.float32)):
        with pytest.raises(ArrayError):
            iea40k.residual(picture, other)


# ---------------------------------------------------------------- networks


def test_a_photograph_is_predicted_from_a_file_or_an_array(tmp_path):
    pytest.importorskip("torch")
    picture = np.ascontiguousarray(astronaut()[:300, :400])
    file = tmp_path / "photo.png"
    cv2.imwrite(str(file), picture[..., ::-1])
    of_file = iea40k.predict(str(file))
    of_array = iea40k.predict(picture)
    assert np.array_equal(of_file.residual, of_array.residual)
    assert of_file.residual.shape == (300, 400)
    darker = iea40k.predict(picture // 3)
    assert darker.residual.mean() > of_file.residual.mean() + 0.1
    assert darker.score < of_file.score
    assert of_file.score == pytest.approx(10 * (1 - np.abs(of_file.residual).mean()), abs=1e-3)
    assert "score" in repr(of_file)


def test_what_predict_does_not_know_is_refused(tmp_path):
    pytest.importorskip("torch")
    with pytest.raises(BadInputError, match="no such file"):
        iea40k.predict(tmp_path / "photo.jpg")
    with pytest.raises(TypeError, match="nativ"):
        iea40k.predict(np.zeros((8, 8, 3), np.uint8), nativ=True)


def test_a_missing_extra_is_an_import_error_that_names_it():
    with pytest.raises(ImportError, match=r"\[trainer\]") as caught:
        require("torch_that_is_not_there", "trainer")
    assert isinstance(caught.value, MissingExtraError)


def test_a_plain_loader_gives_what_the_fast_one_gives(release):
    torch = pytest.importorskip("torch")
    dataset = iea40k.torch_dataset(release, split="valid", size=64)
    plain = list(torch.utils.data.DataLoader(dataset, batch_size=2, num_workers=2))
    fast = list(dataset.loader(2, shuffle=False))
    assert len(plain) == len(fast) > 0
    for items, batch in zip(plain, fast, strict=True):
        given = {name: tensor for name, tensor in vars(batch).items() if tensor is not None}
        assert set(items) == set(given) == {"image", "label", "valid", "weight", "number"}
        for name, tensor in given.items():
            assert torch.equal(items[name], tensor), name


def test_items_are_crops_of_the_images_that_they_are_said_to_be(release):
    pytest.importorskip("torch")
    dataset = iea40k.torch_dataset(release, split="test", view="whole", flips=False)
    assert len(dataset) == len(dataset.samples)
    for number in (0, -1):
        item, sample = dataset[number], dataset.samples[number]
        image = release[f"{sample.scene_id}_{sample.level}"]
        assert np.array_equal(item["image"].numpy().transpose(1, 2, 0), image.exposure / np.float32(255))
        assert np.array_equal(item["valid"].numpy()[0], image.validity)
        assert np.array_equal(item["label"].numpy()[0], np.nan_to_num(image.residual))


def test_random_crops_follow_the_generator_of_torch_and_differ_by_epoch(release):
    torch = pytest.importorskip("torch")
    dataset = iea40k.torch_dataset(release, size=32)

    def epoch():
        return torch.cat([items["image"] for items in torch.utils.data.DataLoader(dataset, batch_size=4)])

    torch.manual_seed(1)
    first, second = epoch(), epoch()
    torch.manual_seed(1)
    assert torch.equal(epoch(), first)
    assert not torch.equal(first, second)


def test_the_fast_loader_shows_another_epoch_each_time_and_repeats_it_by_seed(release):
    torch = pytest.importorskip("torch")
    dataset = iea40k.torch_dataset(release, size=32)
    loader = dataset.loader(4, seed=5)
    first, second = ([batch.image for batch in loader] for _ in range(2))
    assert len(first) == len(loader)
    loader.seek(0)
    again = [batch.image for batch in loader]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_split_or_scheme_or_number_that_does_not_exist_is_told(release):
    pytest.importorskip("torch")
    with pytest.raises(BadInputError, match="train or valid or test"):
        iea40k.torch_dataset(release, split="training")
    with pytest.raises(BadInputError, match="split_0, split_1"):
        iea40k.torch_dataset(release, scheme="split_9")
    with pytest.raises(BadInputError, match="no image"):
        iea40k.torch_dataset(release, levels=("P4",))
    dataset = iea40k.torch_dataset(str(release.path))
    with pytest.raises(IndexError, match="the dataset has no image number 99"):
        dataset[99]
