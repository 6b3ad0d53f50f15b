"""Ten experts, three of them wrong on purpose, in a real store: a release that weighs them errs less."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from iea40k.arrays import RESIDUAL_SCALE
from iea40k.raters import RaterModel
from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, PackedPatch, Patch, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.entries import CorrectionDraft
from iea40k.store.ledger.labels import ledger_labels
from iea40k.store.ledger.rated import weighing
from iea40k.store.release import Release
from pipelines.cli.program import run
from tests.builders import built_scene

BOX = np.s_[4:20, 4:28]
HONEST = {"Ada": 0.0, "Bea": 0.02, "Cy": -0.03, "Dan": 0.01, "Eve": -0.01, "Fay": 0.03, "Gus": -0.02}
PEOPLE = (*HONEST, "Wrong1", "Wrong2", "Wrong3")


def drawn(name: str, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if name == "Wrong1":
        return -truth
    if name == "Wrong2":
        return truth + 0.3
    if name == "Wrong3":
        return rng.uniform(-1, 1, truth.shape)
    return truth + HONEST[name] + rng.laplace(0, 0.02, truth.shape)


def truth_of(base: np.ndarray) -> np.ndarray:
    return np.clip(base[BOX] / RESIDUAL_SCALE * 0.8 + 0.05, -1, 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("weighed") / "store"
    store = Store.create(place)
    for number in range(4):
        store.write_scene(built_scene(f"s{number}", seed=number, invalid=number == 0))
    images = [(f"s{n}", level) for n in range(4) for level in ("N1", "P0", "P1")]
    rng = np.random.default_rng(20261)
    with Ledger.open(place, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(*image, 1, slots=len(PEOPLE)) for image in images], "curator")
        queue = Queue(ledger)
        for name in PEOPLE:
            while (lease := queue.lease(name)) is not None:
                key = lease.map_key
                base = store.open_scene(key.scene_id).residual(key.level)
                after, touched = base.copy(), np.zeros(base.shape, np.bool_)
                touched[BOX] = base[BOX] != -32768
                wanted = np.rint(np.clip(drawn(name, truth_of(base), rng), -1, 1) * RESIDUAL_SCALE)
                after[BOX] = np.where(touched[BOX], wanted, base[BOX])
                patch = Patch.between(base, after, touched)
                draft = CorrectionDraft(
                    map_key=key, image_shape=base.shape, base_digest=array_digest(base), kind="range",
                    patch=PackedPatch.of(patch),
                )  # fmt: skip
                ledger.append_correction(draft, lease)
                queue.submit(lease, active_seconds=1)
                queue.accept(key, "Curator")
    return place


def error(release: Release, store: Store) -> float:
    away = []
    for image in release:
        base = store.open_scene(image.scene).residual(image.level)
        away.append(np.abs(image.residual[BOX] - truth_of(base)).mean())
    return float(np.mean(away))


def test_a_release_weighs_its_experts_and_errs_less(place, tmp_path, capsys):
    store = Store.open(place)
    for how in ("raters", "median"):
        command = ["release", str(place), str(tmp_path / how), "--version", "1.0.0", "--consensus", how]
        assert run(command) == 0
    assert "experts weighed by how they draw" in capsys.readouterr().err
    weighed, plain = (Release.open(tmp_path / how) for how in ("raters", "median"))
    errs = error(weighed, store), error(plain, store)
    assert errs[0] <= 0.02
    assert errs[0] <= 0.7 * errs[1]
    facts = weighed.head["ledger"]["consensus"]
    assert facts["method"] == "raters"
    assert (facts["shared_images"], facts["people"]) == (12, 10)
    assert "Wrong1" not in json.dumps(facts)  # who errs is the curator's to know, not the world's
    assert run(["verify", str(weighed.path)]) == 0
    outside = np.ones(weighed[0].shape, bool)
    outside[BOX] = False
    for one, other in zip(weighed, plain, strict=True):
        assert np.array_equal(one.codes[outside], other.codes[outside])


def test_another_process_weighs_alike(place):
    store = Store.open(place)
    with Ledger.open(place) as ledger:
        labels_of = ledger_labels(ledger, ledger.cursor(), model=weighing(ledger, store).model)
        scene = store.open_scene("s1")
        there = pickle.loads(pickle.dumps(labels_of))
        assert np.array_equal(there(scene).residual, labels_of(scene).residual)
        plain = ledger_labels(ledger, ledger.cursor())(scene).residual
        assert not np.array_equal(there(scene).residual, plain)


def test_a_model_is_written_and_read_again(place):
    with Ledger.open(place) as ledger:
        model = weighing(ledger, Store.open(place)).model
    assert model is not None
    assert RaterModel.of_text(model.as_text()).as_text() == model.as_text()
    assert replace(model, noise=0.5).as_text() != model.as_text()


def test_of_few_images_the_plain_median_counts_and_it_is_said(tmp_path, capsys):
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s0"))
    with Ledger.open(store.path, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s0", "P0", 1, slots=2)], "curator")
        for name in ("Ada", "Bea"):
            lease = Queue(ledger).lease(name)
            Queue(ledger).submit(lease, verdict="base is right", active_seconds=1)
            Queue(ledger).accept(lease.map_key, "Curator")
        assert weighing(ledger, store).facts() == {"method": "median", "shared_images": 0, "people": 0}
    assert run(["release", str(store.path), str(tmp_path / "out"), "--version", "1.0.0"]) == 0
    assert Release.open(tmp_path / "out").head["ledger"]["consensus"]["method"] == "median"
    assert (
        run(["release", str(store.path), str(tmp_path / "no"), "--version", "1.0.0", "--consensus", "mean"])
        == 2
    )
