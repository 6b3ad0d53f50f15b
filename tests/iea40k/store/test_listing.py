"""A store tells what was changed, taken away or added behind its back, and goes on after any kill."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from iea40k.errors import CorruptDataError
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, write_release
from iea40k.store.verify import make_list, verify_store
from tests.builders import built_scene
from tests.killing import files_of, killed_at_each_step

EVERY = 1 if "TORTURE" in os.environ else 11


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store.create(tmp_path_factory.mktemp("template") / "store")
    for name in ("a", "b (1)"):
        store.write_scene(built_scene(name, height=16, width=16))
    return store.path


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Store:
    shutil.copytree(template, tmp_path / "store")
    return Store.open(tmp_path / "store")


def letters(store: Store) -> str:
    return "\n".join(str(problem) for problem in verify_store(store))


def edited(store: Store, change: Callable[[dict], None], scene_id: str = "a") -> None:
    head = store.scene_path(scene_id) / "zarr.json"
    content = json.loads(head.read_text())
    change(content["attributes"])
    head.write_text(json.dumps(content, indent=2))


CHANGES: dict[str, Callable[[dict], None]] = {
    "licence": lambda a: a["attributes"].update(licence="CC-BY-4.0"),
    "ev": lambda a: a["evs"].__setitem__(0, -2.0),
    "suspicion": lambda a: a["suspicion"].__setitem__(0, 0.5),
    "size": lambda a: a.update(height=17),
    "recipe": lambda a: a["recipe"].update(seed=7),
    "recipe digest": lambda a: a.update(recipe_digest="0" * 64),
    "level": lambda a: a["levels"].__setitem__(0, "N2"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_metadata_are_told_and_not_released(store: Store, tmp_path: Path, what: str) -> None:
    root = store.listing.root()
    assert verify_store(store) == []
    edited(store, CHANGES[what])
    assert "metadata (its licence, EVs" in letters(store)
    with pytest.raises(CorruptDataError, match="metadata"):
        write_release(store, tmp_path / "release", ReleaseOptions("1.0.0"))
    assert store.listing.root() == root, "the list still says what was written"


@pytest.mark.parametrize("what", ["residual", "level", "all"])
def test_a_missing_digest_is_an_error_in_words(store: Store, what: str) -> None:
    def take_away(attributes: dict) -> None:
        if what == "level":
            del attributes["digests"]["residual"]["N1"]
        elif what == "residual":
            del attributes["digests"]["residual"]
        else:
            attributes["digests"] = {}

    edited(store, take_away)
    with pytest.raises(CorruptDataError, match=r"no digest of (residual|exposures)"):
        store.read_scene("a")
    assert "no digest of" in letters(store)


def test_a_scene_that_was_taken_away_is_told(store: Store) -> None:
    shutil.rmtree(store.scene_path("a"))
    assert "a scene that was in the store is gone" in letters(store)
    store.write_scene(built_scene("a", height=16, width=16))
    assert letters(store) == ""


def test_a_scene_that_another_program_put_there_is_told(store: Store, tmp_path: Path) -> None:
    other = Store.create(tmp_path / "other")
    other.write_scene(built_scene("c", height=16, width=16))
    shutil.copytree(other.scene_path("c"), store.scene_path("c"))
    assert "the list of the store does not have this scene" in letters(store)
    assert make_list(store) == 1
    assert letters(store) == ""


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "scenes/x.txt", "scenes/a/notes", "scenes/a/residual/c/more", "list/x", "quarantine/x.txt"],
)
@pytest.mark.parametrize("kind", ["file", "folder", "link", "pipe"])
def test_strays_are_told(store: Store, name: str, kind: str) -> None:
    path = store.path / name
    if kind == "file":
        path.write_text("x")
    elif kind == "folder":
        path.mkdir()
        (path / "x").write_text("x")
    elif kind == "link":
        path.symlink_to(store.path / "store.json")
    else:
        os.mkfifo(path)
    if (name, kind) == ("scenes/x.txt", "folder"):  # a folder there has a scene's place
        assert "does not have this scene" in letters(store)
    else:
        assert "does not belong to the" in letters(store)
        assert path.name in letters(store)


def test_the_list_is_checked_without_this_program_and_its_root_noted(store: Store) -> None:
    lines = "".join(file.read_text() for file in sorted((store.path / "list").iterdir()))
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet"], input=lines, text=True, cwd=store.path, check=False
    )
    assert done.returncode == 0
    entries = {name: (store.path / "list" / f"{name}.sha256").read_bytes() for name in ("a", "b (1)")}
    by_hand = "".join(
        f"{hashlib.sha256(text).hexdigest()}  {name}.sha256\n" for name, text in entries.items()
    )
    assert store.listing.root() == hashlib.sha256(by_hand.encode()).hexdigest()


def test_an_older_store_has_no_list_until_it_is_asked_for(store: Store, tmp_path: Path) -> None:
    as_it_was = files_of(store.path / "list")
    shutil.rmtree(store.path / "list")
    store.write_scene(built_scene("c", height=16, width=16))
    assert not (store.path / "list").exists(), "a list of some scenes would call the others strange"
    assert "--make-list" in letters(store)
    write_release(store, tmp_path / "release", ReleaseOptions("1.0.0"))
    assert make_list(store) == 3
    assert letters(store) == ""
    assert as_it_was.items() < files_of(store.path / "list").items()
    edited(store, CHANGES["licence"])
    assert make_list(store) == 0, "what is listed is never changed"
    assert letters(store) != ""


def test_no_broken_scene_is_listed(store: Store) -> None:
    shutil.rmtree(store.path / "list")
    edited(store, CHANGES["size"])
    assert make_list(store) == 1
    assert store.listing.names() == {"b (1)"}


def test_a_damaged_entry_is_told(store: Store) -> None:
    for text in ("", "x\n", "0" * 64 + "  scenes/other/zarr.json\n", "\0" * 99):
        (store.path / "list" / "a.sha256").write_text(text)
        assert letters(store), text


@pytest.mark.parametrize("seen", [True, False])
def test_a_scene_that_is_listed_while_it_is_looked_for_is_found(
    store: Store, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    """Its writer moves the entry out of its workspace just before, or just after, a reader looks in there."""
    scene_id = next(iter(store.scene_ids()))
    entry = store.path / f"list/{scene_id}.sha256"
    expected = store.listing.digests(scene_id)
    assert expected
    noted = store.path / ".writing/w/list" / entry.name
    noted.parent.mkdir(parents=True)
    entry.rename(noted)
    assert store.listing.digests(scene_id) == expected
    search = Path.glob

    def listed_meanwhile(self: Path, pattern: str) -> list[Path]:
        found = list(search(self, pattern)) if seen else []
        if noted.exists():
            noted.rename(entry)
        return found

    monkeypatch.setattr(Path, "glob", listed_meanwhile)
    assert store.listing.digests(scene_id) == expected
    monkeypatch.undo()
    entry.unlink()
    assert store.listing.digests(scene_id) is None


def test_a_discarded_scene_is_not_missed(store: Store) -> None:
    store.discard_scene("a")
    assert letters(store) == ""
    assert store.listing.names() == {"b (1)"}


def create(folder: Path) -> None:
    Store.create(folder / "store").clear_leftovers()


def write(folder: Path) -> None:
    store = Store.create(folder / "store")
    store.clear_leftovers()
    store.write_scene(built_scene("a", height=16, width=16, evs=(0.0,)))


def discard(folder: Path) -> None:
    store = Store.open(folder / "store")
    store.clear_leftovers()
    if store.has_scene("a"):
        store.discard_scene("a")


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(("work", "every", "kills"), [(create, 1, 10), (write, EVERY, 4), (discard, 1, 5)])
def test_a_writer_killed_at_any_step_goes_on_to_the_same_bytes(
    tmp_path: Path, work: Callable[[Path], None], every: int, kills: int
) -> None:
    template, whole = tmp_path / "template", tmp_path / "whole"
    template.mkdir()
    if work is discard:
        write(template)
    shutil.copytree(template, whole)
    work(whole)
    assert verify_store(Store.open(whole / "store")) == []
    expected, steps = files_of(whole), 0
    for told in killed_at_each_step(f"{__name__}:{work.__name__}", template, tmp_path / "scratch", every):
        assert told.get("error") is None, told
        assert told["files"] == expected, (told["step"], told["killed_before"])
        steps += told["killed_before"] is not None
    assert steps >= kills
