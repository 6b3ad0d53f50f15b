import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, Queue
from iea40k.store.ledger.entries import now_us
from pipelines.cli.program import run
from pipelines.exposures import exposure_table, in_turn
from tests.builders import built_scene


@pytest.fixture
def place(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "store")
    for number in range(3):
        store.write_scene(
            built_scene(f"s{number}", seed=number, scene_class=("street", "indoor")[number % 2])
        )
    return store.path


@pytest.fixture
def queue(place: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["queue", str(place), *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_from_the_query_to_the_review(place: Path, queue: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = queue(
        "add", "--where", "scene_class == 'street' and level != 'P0'", "--experts", "2", "--json"
    )
    assert (code, json.loads(out)["new"]) == (0, 4)
    code, out, _ = queue("assign", "--to", "Anna", "--to", "Boris", "--count", "4", "--json")
    assert (code, json.loads(out)) == (0, {"Anna": 2, "Boris": 2})
    with Ledger.open(place) as ledger:
        lease = Queue(ledger).lease("Anna")
        assert lease is not None
        Queue(ledger).submit(lease, verdict="base is right", active_seconds=9)
    where = (lease.map_key.scene_id, lease.map_key.level, "Anna")
    assert queue("return", *where, "--comment", "[red] look at the lamp")[0] == 0
    code, out, _ = queue("list", "--state", "returned", "--json")
    assert [row["comment"] for row in json.loads(out)["rows"]] == ["[red] look at the lamp"]
    code, out, _ = queue("list", "--state", "returned")
    assert "[red]" in out
    with Ledger.open(place) as ledger:
        again = Queue(ledger).lease("Anna")
        assert again is not None
        Queue(ledger).submit(again, verdict="base is right", active_seconds=9)
    assert queue("accept", *where)[0] == 0
    code, out, _ = queue("people", "--json")
    assert json.loads(out)[0]["accepted"] == 1
    assert queue("verify")[0] == 0
    assert queue("stale")[0] == 0


def test_an_audit_is_drawn_at_random_and_repeats(queue: Callable[..., tuple[int, str, str]]) -> None:
    assert json.loads(queue("add", "--random", "4", "--seed", "3", "--json")[1])["new"] == 4
    assert json.loads(queue("add", "--random", "4", "--seed", "3", "--json")[1])["unchanged"] == 4
    rows = json.loads(queue("list", "--json")[1])["rows"]
    assert {row["reason"] for row in rows} == {"audit"}
    assert json.loads(queue("add", "--dry-run", "--json")[1]) == {"would_add": 9}
    assert json.loads(queue("list", "--json")[1])["counts"]["tasks"] == 4


def test_references_are_one_task_a_scene(queue: Callable[..., tuple[int, str, str]]) -> None:
    assert json.loads(queue("add", "--references", "--priority", "1", "--json")[1])["new"] == 3
    assert {row["level"] for row in json.loads(queue("list", "--json")[1])["rows"]} == {"reference"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "--where", "nonsense > 1"), "nonsense"),
        (("add", "--where", "review_priority >"), "cannot be evaluated"),
        (("add", "--where", "scene_id"), "cannot be evaluated"),
        (("add", "--priority", "level"), "not a priority"),
        (("add", "--experts", "0"), "slots"),
        (("add", "--reason", "whim"), "no such reason"),
        (("add", "--by", "=cmd()"), "annotator's name"),
        (("list", "--state", "lost"), "no such state"),
        (("assign", "--to", "A", "--to", "A"), "once"),
        (("--ledger", "postgresql://a:secret@h/d", "list"), "command line"),
        (("--ledger", "postgresql://h/d?user=a&password=secret", "list"), "command line"),
        (("--ledger", "mysql://h/d", "list"), "no place for a ledger"),
    ],
)
def test_wrong_use_is_told(
    queue: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], said: str
) -> None:
    queue("add", "--json")
    code, out, err = queue(*arguments)
    assert code == 2
    assert said in err
    assert "secret" not in err
    assert out == ""


def test_a_refusal_is_a_failure_not_wrong_use(queue: Callable[..., tuple[int, str, str]]) -> None:
    assert queue("list")[0] == 1
    queue("add")
    code, _, err = queue("accept", "s0", "P0", "Anna")
    assert (code, "nothing here to accept" in err) == (1, True)


def test_a_clock_that_is_wrong_is_told(
    queue: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue("add")
    assert "clock" not in queue("verify")[2]
    monkeypatch.setattr("pipelines.cli.queue_admin.now_us", lambda: now_us() + 7_200_000_000)
    assert "7200 s ahead of the ledger's" in " ".join(queue("verify")[2].split())


@pytest.mark.parametrize("command", ["verify", "agreement", "annotate"])
def test_no_command_takes_a_password_that_was_typed(
    place: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    who = ["--annotator", "Anna"] if command == "annotate" else []
    assert run([command, str(place), *who, "--ledger", "postgresql://a:secret@h/d"]) == 2
    err = capsys.readouterr().err
    assert "command line" in err
    assert "secret" not in err


@pytest.mark.parametrize(
    "url", ["postgresql://anna:secret@127.0.0.1:1/d", "postgresql://127.0.0.1:1/d?user=anna&password=secret"]
)
def test_a_password_in_the_environment_is_taken(
    queue: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("IEA40K_LEDGER", url)
    code, _, err = queue("list")
    assert code == 1
    assert "cannot be reached" in err
    assert "secret" not in err


def test_agreement_of_an_empty_ledger(place: Path, queue: Callable[..., tuple[int, str, str]]) -> None:
    queue("add")
    assert run(["agreement", str(place)]) == 0


@pytest.mark.postgres
def test_the_same_on_postgresql(queue: Callable[..., tuple[int, str, str]], postgresql_url: str) -> None:
    place = ("--ledger", postgresql_url)
    assert queue(*place, "add")[0] == 0
    assert json.loads(queue(*place, "list", "--json")[1])["counts"]["tasks"] == 9
    assert queue(*place, "verify")[0] == 0
    assert queue("list")[0] == 1  # the store's own file was not touched


@pytest.mark.postgres
def test_verify_of_a_store_looks_into_the_ledger_it_is_given(
    place: Path,
    queue: Callable[..., tuple[int, str, str]],
    postgresql_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Somebody who owns the tables takes the triggers off and changes rows: the chain tells, on PostgreSQL too."""
    ledger = ("--ledger", postgresql_url)
    assert queue(*ledger, "add")[0] == 0
    verify = ["verify", str(place), *ledger]
    assert run(verify) == 0
    engine = sa.create_engine(sa.make_url(postgresql_url))
    for statement, said in (
        ("UPDATE events SET actor = 'Eve' WHERE entry = 2", "events entry 2: its content is not"),
        ("DELETE FROM events WHERE entry = 3", "the last row is number 0, the ledger noted number 1"),
    ):
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE events DISABLE TRIGGER USER"))
            connection.execute(sa.text(statement))
            connection.execute(sa.text("ALTER TABLE events ENABLE TRIGGER USER"))
        capsys.readouterr()
        assert run(verify) == 1
        assert said in capsys.readouterr().err
        assert queue(*ledger, "verify")[0] == 1
        assert run(["verify", str(place)]) == 0  # without --ledger: the store has none of its own
    engine.dispose()


@pytest.mark.postgres
def test_verify_takes_the_ledger_of_the_environment(
    place: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IEA40K_LEDGER", postgresql_url)
    assert run(["verify", str(place)]) == 1
    assert "no ledger here yet" in capsys.readouterr().err
    assert run(["queue", str(place), "add"]) == 0
    assert run(["verify", str(place)]) == 0


def test_flags_and_reasons_reach_the_curator(place: Path, queue: Callable[..., tuple[int, str, str]]) -> None:
    queue("add", "--experts", "1")
    with Ledger.open(place) as ledger:
        lease = Queue(ledger).lease("Anna")
        assert lease is not None
        Queue(ledger).flag(lease, "[bold] a lamp")
        Queue(ledger).skip(lease, "my own photograph")
    _, out, _ = queue("list", "--notes")
    assert "[bold] a lamp" in out
    assert "my own photograph" in out
    _, out, _ = queue("list", "--json")
    assert [note["event"] for note in json.loads(out)["notes"]] == ["skip", "flag"]


def test_a_mistyped_name_gets_no_work(queue: Callable[..., tuple[int, str, str]]) -> None:
    queue("add", "--experts", "2")
    assert queue("assign", "--to", "Anna Kowalska", "--count", "1")[0] == 0
    code, _, err = queue("assign", "--to", "Ana Kowalska", "--count", "1")
    assert code == 2
    assert "'Anna Kowalska'?" in err
    assert queue("assign", "--to", "Ana Kowalska", "--count", "1", "--new")[0] == 0
    assert queue("assign", "--to", "Boris", "--count", "1")[0] == 0


def test_a_seal_shows_a_ledger_that_was_put_back(
    place: Path, queue: Callable[..., tuple[int, str, str]]
) -> None:
    queue("add", "--experts", "1")
    code, out, _ = queue("seal", "--note", "daily")
    assert code == 0
    noted = out.strip()
    assert queue("verify", "--seal", noted)[0] == 0
    before = (place / "ledger.sqlite").read_bytes()
    queue("assign", "--to", "Anna", "--count", "1")
    assert run(["release", str(place), str(place.parent / "release"), "--version", "1.0.0"]) == 0
    head = json.loads((place.parent / "release" / "release.json").read_text())["ledger"]
    sealed = [json.loads(line) for line in (place / "ledger.seals").read_text().splitlines()]
    assert [line["note"] for line in sealed] == ["daily", "release exposure dataset 1.0.0"]
    assert sealed[1]["root"] == head["root"]
    assert run(["verify", str(place)]) == 0
    for side in ("", "-wal", "-shm"):
        (place / f"ledger.sqlite{side}").unlink(missing_ok=True)
    (place / "ledger.sqlite").write_bytes(before)
    code, out, _ = queue("verify", "--seal", noted)
    assert code == 1
    assert "older copy" in out
    assert "release exposure dataset 1.0.0" in out
    assert run(["verify", str(place)]) == 1
    assert queue("verify", "--seal", "LEDGER:1:DIGEST")[0] == 2


def test_the_queue_does_not_begin_with_every_level_of_one_scene(
    place: Path, queue: Callable[..., tuple[int, str, str]]
) -> None:
    assert queue("add")[0] == 0
    rows = json.loads(queue("list", "--json")[1])["rows"]
    assert len({row["scene_id"] for row in rows[:3]}) == 3
    table = exposure_table(Store.open(place))
    hardest = table.sort_values("review_priority").iloc[-1]
    assert (rows[0]["scene_id"], rows[0]["level"]) == (hardest["scene_id"], hardest["level"])
    assert rows[0]["priority"] == pytest.approx(hardest["review_priority"])


def test_eight_levels_of_a_star_field_wait_for_the_other_scenes() -> None:
    stars = [("stars", f"N{n}", 0.9 + n / 100) for n in range(8)]
    others = [(f"scene {n}", "P1", 0.5 + n / 100) for n in range(8)]
    table = pd.DataFrame([*stars, *others], columns=["scene_id", "level", "review_priority"])
    order = table.assign(turn=in_turn(table, "review_priority")).sort_values("turn", ascending=False)
    assert list(order["level"].head(1)) == ["N7"]
    assert set(order["scene_id"].head(9)) == {"stars", *(name for name, _, _ in others)}
    assert (order["turn"] <= order["review_priority"]).all()
