"""Experts with planted errors paint in a real store and ledger; the report must find what was planted."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iea40k.store.digests import array_digest
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, PackedPatch, Patch, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.entries import CorrectionDraft, Lease
from pipelines.agreement import Report, measure
from pipelines.agreement_files import as_json, write_report
from tests.builders import built_scene

BOX = np.s_[6:16, 6:20]
BIAS = {"Anna": 0, "Boris": 653, "O'Brien": -1306}  # 0, +0.02, -0.04 of a residual


def paint(ledger: Ledger, store: Store, lease: Lease, offset: int) -> None:
    base = store.open_scene(lease.map_key.scene_id).residual(lease.map_key.level)
    after, touched = base.copy(), np.zeros(base.shape, np.bool_)
    after[BOX] = np.clip(base[BOX] // 2 + offset, -32640, 32640)
    touched[BOX] = True
    patch = Patch.between(base, after, touched)
    assert patch is not None
    ledger.append_correction(
        CorrectionDraft(
            map_key=lease.map_key,
            image_shape=base.shape,
            base_digest=array_digest(base),
            kind="range",
            patch=PackedPatch.of(patch),
        ),
        lease,
    )
    Queue(ledger).submit(lease, active_seconds=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("agreement") / "store"
    store = Store.create(place)
    for number in range(4):
        store.write_scene(
            built_scene(f"s{number}", seed=number, scene_class=("street", "indoor")[number % 2])
        )
    with Ledger.open(place, create=True) as ledger:
        add_tasks(
            ledger,
            [TaskRequest(f"s{n}", level, 1, slots=3) for n in range(4) for level in ("N1", "P1")],
            "curator",
        )
        add_tasks(ledger, [TaskRequest("s0", "N1", 0, slots=3, purpose="repeat")], "curator")
        add_tasks(ledger, [TaskRequest("s1", "P1", 0, purpose="adjudication")], "curator")
        queue = Queue(ledger)
        judge = queue.lease("Judge", purposes=("adjudication",))
        assert judge is not None
        paint(ledger, store, judge, 326)
        for name, offset in BIAS.items():
            while (lease := queue.lease(name)) is not None:
                paint(ledger, store, lease, offset + (163 if lease.map_key.purpose == "repeat" else 0))
    return place


@pytest.fixture(scope="module")
def report(place: Path) -> Report:
    with Ledger.open(place) as ledger:
        return measure(Store.open(place), ledger)


def test_planted_differences_are_found(report: Report) -> None:
    groups = [
        ("all", ""),
        ("level", "N1"),
        ("level", "P1"),
        ("scene_class", "indoor"),
        ("scene_class", "street"),
    ]
    found = {(p.group, p.value, p.first, p.second): (p.mae, p.pixels) for p in report.pairs}
    for group, value in groups:
        pixels = (8 if group == "all" else 4) * 140
        assert found.pop((group, value, "Anna", "Boris")) == (pytest.approx(653 / 32640), pixels)
        assert found.pop((group, value, "Anna", "O'Brien")) == (pytest.approx(1306 / 32640), pixels)
        assert found.pop((group, value, "Boris", "O'Brien")) == (pytest.approx(1959 / 32640), pixels)
    assert not found


def test_planted_bias_is_found(report: Report) -> None:
    people = {(p.group, p.value, p.figures.annotator): p.figures for p in report.people}
    for name, offset in BIAS.items():
        others = [v for other, v in BIAS.items() if other != name]
        for group, value, images in (("all", "", 8), ("level", "N1", 4), ("scene_class", "street", 4)):
            found = people[group, value, name]
            assert found.bias == pytest.approx((offset - np.mean(others)) / 32640)
            assert found.images == images


def test_the_model_of_people_finds_the_planted_biases_and_agreement_rises_without_them(
    report: Report,
) -> None:
    bias = {rater.name: rater.bias for rater in report.raters}
    for name, offset in BIAS.items():
        # What all share cannot be told from the truth: differences can.
        assert bias[name] - bias["Anna"] == pytest.approx(offset / 32640, abs=0.004)
    assert {rater.images for rater in report.raters} == {8}
    before, after = report.as_drawn, report.without_bias
    assert before is not None
    assert after is not None
    assert before.mae is not None
    assert after.mae is not None
    assert after.mae < 0.2 * before.mae
    assert after.icc is not None
    assert before.icc is not None
    assert after.icc > before.icc
    tables = as_json(report)
    assert [row["maps"] for row in tables["modelled"]] == ["as drawn", "without biases"]
    assert {row["name"] for row in tables["raters"]} == set(BIAS)


def test_planted_inconsistency_is_found(report: Report) -> None:
    assert [(c.annotator, c.images) for c in report.consistency] == [
        ("Anna", 1),
        ("Boris", 1),
        ("O'Brien", 1),
    ]
    assert report.consistency[0].mae == pytest.approx(163 / 32640)


def test_distance_to_the_adjudicator_is_found(report: Report) -> None:
    found = {c.annotator: (c.images, c.mae) for c in report.against_adjudicator}
    assert found == {name: (1, pytest.approx(abs(offset - 326) / 32640)) for name, offset in BIAS.items()}


def test_groups_cover_the_whole_and_pixels_are_counted(report: Report) -> None:
    rows = {(r.group, r.value, r.region): r.agreement for r in report.rows}
    assert rows["all", "", "painted"].images == 8
    assert rows["all", "", "painted"].pixels == 8 * 140
    for group, values in (("level", ("N1", "P1")), ("scene_class", ("street", "indoor"))):
        assert sum(rows[group, v, "painted"].images for v in values) == 8
    assert rows["all", "", "everywhere"].pixels > rows["all", "", "painted"].pixels
    painted, everywhere = rows["all", "", "painted"].icc, rows["all", "", "everywhere"].icc
    assert painted is not None
    assert everywhere is not None
    assert painted < everywhere < 1


def test_a_scene_that_is_gone_is_named(place: Path, tmp_path: Path) -> None:
    with Ledger.open(place) as ledger:
        found = measure(Store.create(tmp_path / "empty"), ledger)
    assert found.skipped == ["s0", "s1", "s2", "s3"]
    assert found.rows == []


def test_a_sample_is_drawn_and_repeats(place: Path) -> None:
    with Ledger.open(place) as ledger:
        one = measure(Store.open(place), ledger, sample=2, seed=1)
        two = measure(Store.open(place), ledger, sample=2, seed=1)
    assert as_json(one) == as_json(two)
    assert one.rows[0].agreement.images == 4


def test_the_files_hold_the_figures(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    import pandas as pd

    files = write_report(report, tmp_path)
    names = ["agreement.csv", "pairs.csv", "people.csv", "consistency.csv", "agreement.png"]
    assert [f.name for f in files] == names
    table = pd.read_csv(files[0])
    assert len(table) == len(report.rows)
    assert table["mae"].tolist() == pytest.approx([r.agreement.mae for r in report.rows])
    people = pd.read_csv(files[2])
    assert people["bias"].tolist() == pytest.approx([p.figures.bias for p in report.people])
    assert set(people["group"]) == {"all", "level", "scene_class"}
    own = pd.read_csv(files[3])
    assert own[own["against"] == "repeats"]["mae"].tolist() == pytest.approx([163 / 32640] * 3)
    assert files[4].read_bytes().startswith(b"\x89PNG")


def test_without_anything_to_compare_the_tables_are_empty_not_broken(tmp_path: Path) -> None:
    import pandas as pd

    for file in write_report(Report(), tmp_path)[:4]:
        table = pd.read_csv(file)
        assert len(table) == 0
        assert len(table.columns) >= 4


def test_no_table_holds_a_live_formula(place: Path, tmp_path: Path) -> None:
    """A scene class out of a manifest that says what no name may say."""
    other = Store.create(tmp_path / "store")
    for number in range(4):
        other.write_scene(built_scene(f"s{number}", seed=number, scene_class='=HYPERLINK("http://x";"y")'))
    with Ledger.open(place) as ledger:
        files = write_report(measure(other, ledger), tmp_path / "out")
    rows = [
        row
        for file in files
        if file.suffix == ".csv"
        for row in csv.reader(file.read_text("utf-8").splitlines())
    ]
    cells = [cell for row in rows for cell in row]
    assert """'=HYPERLINK("http://x";"y")""" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


def test_the_picture_takes_any_name_and_any_number_of_people(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from pipelines.agreement_plot import plot

    names = {"Anna": r"$\frac$", "Boris": "_hidden", "O'Brien": "山" * 64}
    other = replace(
        report,
        pairs=[replace(p, first=names[p.first], second=names[p.second]) for p in report.pairs],
        people=[
            replace(p, figures=replace(p.figures, annotator=names[p.figures.annotator]))
            for p in report.people
        ],
        deviations=[replace(d, annotator=names[d.annotator]) for d in report.deviations],
    )
    for number, each in enumerate((other, Report())):
        plot(each, tmp_path / f"{number}.png")
        assert (tmp_path / f"{number}.png").read_bytes().startswith(b"\x89PNG")
