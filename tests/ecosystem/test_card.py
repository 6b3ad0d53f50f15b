"""The card, CITATION.cff, the small pictures and croissant.json: read by those that they are for."""

import io
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
import zarr
from PIL import Image

from iea40k.errors import BadInputError
from iea40k.store.layout import Store
from iea40k.store.release import Release, ReleaseOptions, verify_release, write_release
from iea40k.store.release.publication import Publication
from pipelines.cli.program import run
from tests.builders import built_scene


def front_matter(release: Release) -> dict:
    text = (release.path / "README.md").read_text(encoding="utf-8")
    return yaml.safe_load(text.split("---\n")[1])


@pytest.mark.usefixtures("offline")
def test_datasets_loads_a_release_offline_with_pictures_and_tables(light: Release) -> None:
    import datasets

    loaded = datasets.load_dataset(str(light.path))
    assert {split: len(rows) for split, rows in loaded.items()} == {
        hub: len(light.images_of("split_0", split))
        for hub, split in (("train", "train"), ("validation", "valid"), ("test", "test"))
    }
    for row in loaded["train"]:
        image = light[row["image_id"]]
        assert row["exposure"].size[0] <= 192
        shown = np.asarray(row["exposure"].convert("RGB")).mean(axis=(0, 1))
        np.testing.assert_allclose(shown, image.exposure.mean(axis=(0, 1)), atol=3)
        assert row["score"] == light.images.set_index("image_id").loc[row["image_id"], "score"]
    assert datasets.get_dataset_config_names(str(light.path)) == ["preview", "images", "scenes", "splits"]
    table = datasets.load_dataset(str(light.path), "images", split="table").to_pandas()
    assert table["sha256_residual"].tolist() == light.images["sha256_residual"].tolist()


def test_the_head_of_the_card_says_what_hubs_ask(light: Release) -> None:
    head = front_matter(light)
    assert head["pretty_name"] == 'Light: a "test" <i>set</i>'
    assert (head["license"], head["size_categories"]) == ("other", ["n<1K"])
    assert head["configs"][0]["default"] is True


def test_words_of_people_are_no_markup_in_the_card(light: Release) -> None:
    text = (light.path / "README.md").read_text(encoding="utf-8")
    body = text.split("---\n", 2)[2]
    for tag in ("<script", "<img", "<b>", "<i>"):
        assert tag not in body
    assert "\\|&lt;img src=x onerror=alert(1)&gt;" in body
    assert "CC-BY-4.0" in body
    assert "Exposures by level: N1 10, P0 10, P1 10." in body
    assert "@misc{light," in body


def test_the_citation_file_names_people_and_places(light: Release) -> None:
    cff = yaml.safe_load((light.path / "CITATION.cff").read_text(encoding="utf-8"))
    assert cff["cff-version"] == "1.2.0"
    assert cff["type"] == "dataset"
    assert cff["authors"] == [
        {"family-names": "Lovelace", "given-names": "Ada"},
        {"name": 'The <b>Club</b> | of "Light"'},
    ]
    assert (cff["doi"], cff["date-released"], cff["license"]) == (
        "10.1234/light.5",
        "2026-03-01",
        "CC-BY-4.0",
    )


def test_a_users_dataset_bears_nobody_elses_name(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s"))
    release = write_release(store, tmp_path / "release", ReleaseOptions("1.0.0"))
    assert release.head["name"] == "exposure dataset"
    cff = (release.path / "CITATION.cff").read_text()
    croissant = json.loads((release.path / "croissant.json").read_text())
    assert "IEA40K" not in cff + croissant["name"] + croissant["description"]
    assert "IEA40K" not in (release.path / "README.md").read_text()
    assert "creator" not in croissant


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://x"),
        ("url", "https://x y"),
        ("doi", "11.1/x"),
        ("doi", "10.1234/a<b"),
        ("creators", (" ,",)),
    ],
)
def test_what_is_no_address_or_name_is_refused(field: str, value: object) -> None:
    with pytest.raises(BadInputError):
        Publication(**{field: value})


def test_the_command_line_takes_what_people_say(light: Release, tmp_path: Path) -> None:
    (tmp_path / "how.bib").write_text("@misc{x}\n")
    store, out = str(light.path.parent / "store"), str(tmp_path / "out")
    options = [
        "--name",
        "Mine",
        "--creator",
        "Curie, Marie",
        "--creator",
        "Lab",
        "--citation",
        f"@{tmp_path}/how.bib",
    ]
    more = [
        "--url",
        "https://a.b",
        "--doi",
        "doi:10.1234/x",
        "--description",
        "D",
        "--label-licence",
        "CC0-1.0",
    ]
    assert run(["release", store, out, "--version", "1.0.0", *options, *more]) == 0
    assert Release.open(out).head["about"] == {
        "creators": ["Curie, Marie", "Lab"],
        "citation": "@misc{x}",
        "url": "https://a.b",
        "doi": "10.1234/x",
        "description": "D",
        "label_licence": "CC0-1.0",
    }
    assert run(["release", store, str(tmp_path / "bad"), "--version", "1.0.0", "--doi", "x"]) == 2


def test_the_new_files_are_of_the_closed_list(light: Release, tmp_path: Path) -> None:
    import shutil

    assert verify_release(light.path) == []
    copy = tmp_path / "copy"
    shutil.copytree(light.path, copy)
    (copy / "CITATION.cff").unlink()
    (copy / "preview" / "train.parquet").write_bytes(b"x")
    (copy / "preview" / "more.parquet").write_bytes(b"x")
    whats = sorted(problem.what for problem in verify_release(copy))
    assert whats == [
        "a file does not belong to the release",
        "a file is not what was published",
        "a file of the release is missing",
    ]


@pytest.fixture(scope="module")
def described(light: Release):
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mlcroissant.Dataset(jsonld=light.path / "croissant.json")


@pytest.mark.filterwarnings("ignore")
def test_croissant_is_valid_and_says_who_and_under_which_licences(described, light: Release) -> None:
    metadata = described.metadata
    assert not metadata.issues.errors
    assert not metadata.issues.warnings
    assert metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    assert metadata.license == ["photographs: Adobe", "photographs: CC0-1.0", "labels: CC-BY-4.0"]
    assert [creator.name for creator in metadata.creators] == ["Ada Lovelace", 'The <b>Club</b> | of "Light"']
    raw = json.loads((light.path / "croissant.json").read_text())
    assert raw["prov:wasGeneratedBy"]["@type"] == "prov:Activity"
    assert any("simulated" in source["prov:label"] for source in raw["prov:wasDerivedFrom"])


@pytest.mark.filterwarnings("ignore")
def test_through_croissant_one_reads_the_tables(described, light: Release) -> None:
    images = list(described.records("images"))
    assert [row["images/image_id"].decode() for row in images] == light.images["image_id"].tolist()
    splits = {
        row["splits/scene_id"].decode(): row["splits/split_0"].decode() for row in described.records("splits")
    }
    assert splits == dict(zip(light.splits["scene_id"], light.splits["split_0"], strict=True))


@pytest.mark.filterwarnings("ignore")
def test_through_croissant_one_reads_the_pixels(described, light: Release) -> None:
    arrays = {(row["arrays/frame"], row["arrays/array"]): row for row in described.records("arrays")}
    for frame in light.frames():
        files = {
            row[f"files_{frame}/path"].decode().removeprefix(f"arrays/{frame}/"): row[
                f"files_{frame}/content"
            ]
            for row in described.records(f"files_{frame}")
        }
        buffers = {path: zarr.core.buffer.cpu.Buffer.from_bytes(data) for path, data in files.items()}
        group = zarr.open_group(zarr.storage.MemoryStore(buffers), mode="r")
        for name in light.head["arrays"][frame]:
            read = group[name][...]
            ours = light.array(frame, name)
            np.testing.assert_array_equal(read, np.stack([ours[i] for i in range(len(read))]))
            told = arrays[frame, name]
            assert told["arrays/shape"] == list(read.shape)
            assert told["arrays/dtype"] == read.dtype.name


@pytest.mark.filterwarnings("ignore")
def test_through_croissant_one_reads_the_small_pictures(described, light: Release) -> None:
    rows = list(described.records("pictures_train"))
    assert len(rows) == len(light.images_of("split_0", "train"))
    shown = rows[0]["pictures_train/exposure"]
    assert isinstance(shown, Image.Image)
    stream = io.BytesIO()
    shown.save(stream, "PNG")
    assert stream.tell() > 100
