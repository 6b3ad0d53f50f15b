"""The loop closed on one store, by the commands of docs/disputes.md: each line of the page is run.

One line waits for a person: there a scripted expert presses keys in the window's session. A label is given the wrong
sign in the store, after it was built.
"""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from iea40k.store.layout import Store
from pipelines.cli.program import run
from tests.pipelines.test_disputes import scenes

pytestmark = [pytest.mark.gui, pytest.mark.slow]
components = pytest.importorskip("napari.components")

PAGE = Path(__file__).parents[2] / "docs" / "disputes.md"
BAD, LEVEL = "astronaut_1", "N2"


def the_lines():
    """Return the commands of the page's loop."""
    text = PAGE.read_text(encoding="utf-8").split("## The loop", 1)[1]
    return [
        line.split("#")[0].strip() for line in re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1].splitlines()
    ]


def a_reader_has(folder):
    """Eight photographs, each its own reference, and their manifest."""
    rows = []
    for scene in scenes():
        Image.fromarray(scene.reference).save(folder / f"{scene.scene_id}.png")
        file = f"{scene.scene_id}.png"
        rows.append({"scene_id": scene.scene_id, "kind": "rendered", "exposures": file, "references": file,
                     "experts": "photographer", "licence": "CC0-1.0"})  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "MANIFEST", index=False)


def a_label_goes_wrong(store):
    scene = store.read_scene(BAD)
    residual = scene.residual.copy()
    number = scene.levels.index(LEVEL)
    residual[number] = -residual[number]
    store.replace_scene(replace(scene, residual=residual))


def an_expert_answers(store, name, folder):
    """By keys: J goes to what is disputed, U takes the repair; then the image is handed in."""
    from annotator.actions import press
    from annotator.session.controller import Controller
    from annotator.session.session import Session
    from annotator.window.screen import NapariScreen
    from tests.annotator.view import QuietView

    session = Session.open(store, name, folders=folder)
    controller = Controller(session, NapariScreen(components.ViewerModel()), QuietView())
    controller.flow.start()
    image = session.image
    assert (image.key.scene_id, image.level) == (BAD, LEVEL)
    assert image.disputes
    press(controller, "J")
    press(controller, "U")
    assert session.image.strokes[-1].tool["kind"] == "disputed"
    assert session.image.strokes[-1].tool["verdict"] == "taken"
    session._uploads.flush(30.0)
    session.submit()
    controller.remember()
    session.close()


@pytest.mark.timeout(1200)
def test_the_loop_of_the_page_finds_settles_releases_and_does_not_find_again(tmp_path, monkeypatch, capsys):
    a_reader_has(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands, told = [], {}
    for line in the_lines():
        program, command, *rest = shlex.split(line)
        assert program == "iea40k"
        commands.append(command)
        rest = [{"SCENE": BAD, "LEVEL": LEVEL}.get(word, word) for word in rest]
        if command == "annotate":
            an_expert_answers(rest[0], rest[rest.index("--annotator") + 1], tmp_path / "desks")
            continue
        capsys.readouterr()
        assert run([command, *rest, *(["--json"] if command in ("validate", "diff") else [])]) == 0
        said = capsys.readouterr().out
        if command == "build":
            a_label_goes_wrong(Store.open(rest[1]))
        if command == "validate":
            table = pd.read_parquet(Path(rest[rest.index("--out") + 1]) / "disputes.parquet")
            told[rest[0]] = json.loads(said), table.set_index("image_id")
        if command == "diff":
            changed = json.loads(said)
    assert commands == ["build", "release", "validate", "annotate", "queue", "release", "diff", "validate"]

    (first, before), (second, after) = told["1.0.0"], told["1.1.0"]
    name = f"{BAD}_{LEVEL}"
    assert first["disputes"][0]["image_id"] == name
    assert first["queued"] == len(first["disputes"])
    assert [image["image_id"] for image in changed["images_changed"]] == [name]
    assert changed["corrections_by"] == {"Anna": 1}
    assert len(second["disputes"]) < len(first["disputes"])
    assert not before["settled"].any()
    # What was repainted is right now: nothing speaks against it, whoever painted it.
    assert before.loc[name, "score"] > 0.9
    assert after.loc[name, "score"] < 0.5
    assert after.loc[name, "painted"] > 0.5
