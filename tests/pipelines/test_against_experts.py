"""A network beside the experts: inside their range where it errs as they do, outside where it does not."""

import numpy as np
import pytest

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.release import ReleaseOptions, write_release
from pipelines.against_experts import compare
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.pipelines.test_agreement import BIAS, BOX, place  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def world(place, tmp_path_factory):  # noqa: F811
    out = tmp_path_factory.mktemp("against") / "release"
    with Ledger.open(place) as ledger:
        from iea40k.store.ledger import MapKey, Queue

        for scene in range(4):
            for level in ("N1", "P1"):
                for name in BIAS:
                    key = MapKey(f"s{scene}", level, name)
                    if Queue(ledger).state(key) == "submitted":
                        Queue(ledger).accept(key, "Curator")
    store = Store.open(place)
    write_release(store, out, ReleaseOptions("1.0.0"))
    from iea40k.store.release import Release

    return store, Release.open(out), place


def offset_by(release, codes):
    """A network that says for each exposure what Anna drew, and `codes` more."""
    known = {image.exposure.tobytes(): image.codes for image in release}

    def predict(picture):
        found = known[picture.tobytes()].astype(np.float32)
        found[BOX] = np.trunc(found[BOX] / 2) + codes
        return found / 32640

    return predict


def compared(world, codes):
    store, release, place_ = world
    with Ledger.open(place_) as ledger:
        return compare(offset_by(release, codes), release, store, ledger, set(release.images["image_id"]))


def test_a_network_like_the_experts_is_inside_and_a_far_one_is_not(world):
    near, far = compared(world, 0), compared(world, 5000)
    assert near.images == far.images == 8
    assert near.people == tuple(sorted(BIAS))
    assert near.rows[0].group == "all"
    assert near.rows[0].inside
    assert near.rows[0].better_than >= 1
    assert not far.rows[0].inside
    assert far.rows[0].better_than == 0
    # Anna at 0, Boris at +653, O'Brien at -1306: each against the median of the two others.
    experts = near.rows[0].experts
    assert experts["Anna"] == pytest.approx(abs(0 - (653 - 1306) / 2) / 32640, abs=1e-4)
    assert experts["O'Brien"] == pytest.approx((1306 + 653 / 2) / 32640, abs=1e-4)
    assert [row.value for row in near.rows if row.group == "level"] == ["N1", "P1"]
    assert any(row.group == "zone" for row in near.rows)


def test_without_two_experts_it_is_said(tmp_path, capsys):
    pytest.importorskip("torch")
    store = Store.create(tmp_path / "store")
    for number in range(4):
        store.write_scene(built_scene(f"s{number}", seed=number))
    Ledger.open(store.path, create=True).close()
    write_release(store, tmp_path / "release", ReleaseOptions("1.0.0"))
    command = ["evaluate", "p_ieanet_s", str(tmp_path / "release"), "--against-experts", "--part", "train"]
    assert run(command) == 2
    assert "--store" in capsys.readouterr().err
    assert run([*command, "--store", str(tmp_path / "store")]) == 2
    said = capsys.readouterr().err
    assert "no range to be inside of" in said
    assert "evaluating" not in said  # what cannot be had is said before the long part
