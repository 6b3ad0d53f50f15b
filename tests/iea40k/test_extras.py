import json
from importlib.metadata import requires
from types import SimpleNamespace

import pytest

from iea40k import extras, rooms
from iea40k.errors import BadInputError, MissingExtraError
from iea40k.extras import MODULES, explained, install_line
from iea40k.rooms import check_rooms


def test_a_missing_module_of_an_extra_names_the_line_that_installs_it():
    with pytest.raises(ModuleNotFoundError) as caught:
        import rawpy.no_such_part  # noqa: F401
    error = explained(caught.value)
    assert isinstance(error, MissingExtraError)
    assert "rawpy" in str(error)
    assert install_line("curator") in str(error)


def test_another_missing_module_is_not_explained_away():
    assert explained(ModuleNotFoundError("no", name="iea40k.no_such_room")) is None
    assert explained(ImportError("libGL.so.1 is missing", name="PySide6")) is None
    assert explained(ValueError("no")) is None


def test_every_extra_is_declared():
    declared = {
        line.rpartition("extra == ")[2].strip("\"'") for line in requires("iea40k") or () if "extra" in line
    }
    assert set(MODULES) <= declared


@pytest.mark.parametrize(
    ("noted", "line"),
    [
        (None, "pip install 'iea40k[trainer]'"),
        (
            {"url": "file:///w/iea40k-0.1.0-py3-none-any.whl"},
            "pip install 'iea40k[trainer] @ file:///w/iea40k-0.1.0-py3-none-any.whl'",
        ),
        (
            {"url": "file:///my%20clone", "dir_info": {"editable": True}},
            "pip install -c '/my clone'/constraints.txt -e '/my clone[trainer]'",
        ),
        ({"url": "file:///clone", "dir_info": {}}, "pip install -c /clone/constraints.txt '/clone[trainer]'"),
    ],
)
def test_the_line_leads_to_where_this_was_installed_from(monkeypatch, noted, line):
    text = None if noted is None else json.dumps(noted)
    monkeypatch.setattr(extras, "distribution", lambda _: SimpleNamespace(read_text=lambda _: text))
    assert install_line("trainer") == line


def test_the_rooms_here_are_ours():
    check_rooms()


@pytest.mark.parametrize("room", rooms.ROOMS)
def test_a_foreign_package_under_a_name_of_ours_is_said(room, tmp_path, monkeypatch):
    (tmp_path / room).mkdir()
    (tmp_path / room / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    real = rooms.find_spec
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / room)], origin=None)
    monkeypatch.setattr(rooms, "find_spec", lambda name: spec if name == room else real(name))
    with pytest.raises(BadInputError, match=f"hides our '{room}'") as caught:
        check_rooms()
    assert str(tmp_path / room) in str(caught.value)
