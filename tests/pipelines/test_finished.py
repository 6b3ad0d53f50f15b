"""The photographs that the dependencies ship, each as its own reference: written, built, and their split scheme."""

import numpy as np
import pytest

from iea40k.errors import AlreadyExistsError
from iea40k.manifest import read_manifest
from iea40k.model.training.config import load_config
from iea40k.store.layout import Store
from pipelines.build import build
from pipelines.cli.program import run
from pipelines.config import read_config
from pipelines.finished import SPLIT, TEST, VALID
from pipelines.taxonomy import load_taxonomy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    assert run(["manifest", "photographs", str(folder)]) == 0
    return folder


def test_the_manifest_is_good_and_its_words_are_known(folder):
    scenes = read_manifest(folder / "manifest.csv").scenes
    assert len(scenes) >= 16
    taxonomy = load_taxonomy()
    for scene in scenes:
        words = {name: scene.attributes.get(name, "") for name in ("super_class", "scene_class", "light")}
        assert taxonomy.faults({name: word for name, word in words.items() if word}) == {}
        assert scene.attributes["licence"].startswith("as shipped with ")


def test_it_is_not_written_over(folder):
    from pipelines.finished import write_photographs

    with pytest.raises(AlreadyExistsError):
        write_photographs(folder)


def test_a_built_photograph_is_its_own_reference_and_its_residual_at_ev_0_is_nothing(folder, tmp_path):
    config = read_config(folder / "build.yaml")
    build(folder / "manifest.csv", tmp_path / "store", config=config, only=["coffee"])
    store = Store.open(tmp_path / "store")
    scene = store.read_scene("coffee")
    middle = list(scene.evs).index(0.0)
    assert min(scene.reference.shape[:2]) == 256
    assert np.abs(scene.residual[middle].astype(int)).max() <= 128  # one step of 1/255: rounding of the curve
    assert (np.diff(scene.residual.astype(float).mean((1, 2))) < 0).all()


def test_the_configuration_for_them_names_their_scheme():
    assert load_config("photographs").data.split == SPLIT
    assert set(VALID).isdisjoint(TEST)
