"""The loop closed on one store: release, validate, queue, an expert in the window's session, and all of it again."""

import json

import pandas as pd
import pytest

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, Queue
from pipelines.cli.program import run
from tests.pipelines.test_disputes import BAD, scenes

pytestmark = [pytest.mark.gui, pytest.mark.slow]
components = pytest.importorskip("napari.components")


def validated(root, version, capsys):
    out = root / f"validation {version}"
    command = [
        "validate",
        str(root / version),
        "-o",
        str(out),
        "--store",
        str(root / "store"),
        "--folds",
        "2",
    ]
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out), pd.read_parquet(out / "disputes.parquet").set_index(
        "image_id"
    )


def an_expert_answers(root):
    """Anna, by keys: J goes to what is disputed, U takes the repair; then the image is handed in."""
    from annotator.actions import press
    from annotator.session.controller import Controller
    from annotator.session.session import Session
    from annotator.window.screen import NapariScreen
    from tests.annotator.view import QuietView

    session = Session.open(root / "store", "Anna", folders=root / "desks")
    controller = Controller(session, NapariScreen(components.ViewerModel()), QuietView())
    controller.flow.start()
    image = session.image
    assert (image.key.scene_id, image.level) == (BAD[0], "N2")
    assert image.disputes
    press(controller, "J")
    press(controller, "U")
    assert session.image.strokes[-1].tool["kind"] == "disputed"
    assert session.image.strokes[-1].tool["verdict"] == "taken"
    session._uploads.flush(30.0)
    key = image.key
    session.submit()
    controller.remember()
    session.close()
    return key


@pytest.mark.timeout(1200)
def test_a_label_that_was_wrong_is_found_settled_released_and_not_found_again(tmp_path, capsys):
    store = Store.create(tmp_path / "store")
    for scene in scenes():
        store.write_scene(scene)
    release = ["release", str(tmp_path / "store")]
    assert run([*release, str(tmp_path / "1.0.0"), "--version", "1.0.0"]) == 0
    first, before = validated(tmp_path, "1.0.0", capsys)
    assert first["disputes"][0]["image_id"] == "astronaut_1_N2"
    assert first["queued"] == len(first["disputes"])
    key = an_expert_answers(tmp_path)
    with Ledger.open(store.path) as ledger:
        Queue(ledger).accept(key, "Curator")
    assert run([*release, str(tmp_path / "1.1.0"), "--version", "1.1.0"]) == 0
    capsys.readouterr()
    assert run(["diff", str(tmp_path / "1.0.0"), str(tmp_path / "1.1.0"), "--json"]) == 0
    changed = json.loads(capsys.readouterr().out)
    assert [image["image_id"] for image in changed["images_changed"]] == ["astronaut_1_N2"]
    assert changed["corrections_by"] == {"Anna": 1}
    second, after = validated(tmp_path, "1.1.0", capsys)
    assert len(second["disputes"]) < len(first["disputes"])
    assert before.loc["astronaut_1_N2", "score"] > 0.5
    assert not before["settled"].any()
    # Where people painted the law is not asked, so the score may stay; who settled it is not asked again.
    left = {d["image_id"] for d in second["disputes"]} - set(second["settled"])
    assert "astronaut_1_N2" not in left
    assert after["settled"].sum() == len(second["settled"])
