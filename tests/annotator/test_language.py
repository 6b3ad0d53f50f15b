"""The window's texts: every one is in the catalogues and translated, and what is compiled is what was written."""

import ast
import gettext
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from annotator.actions import ACTIONS, help_text
from annotator.residual.saying import SENTENCES, said
from annotator.session.settings import read_language, write_language, write_settings
from annotator.shared import language
from annotator.shared.keys import bound, say_keys, shown
from annotator.shared.language import LANGUAGES, apply, known, tr, trn, use
from iea40k.errors import BadInputError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    apply(gettext.NullTranslations())


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    pytest.importorskip("babel")
    file = ROOT / "docs" / "make_catalogues.py"
    if not file.exists():
        pytest.skip("not in a clone")
    spec = importlib.util.spec_from_file_location("make_catalogues", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_text_is_translated(maker: ModuleType, code: str):
    """Names what is not. `make catalogues` collects new texts; their translations go into the .po file."""
    assert maker.missing(code) == []


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_what_is_compiled_is_what_was_written(maker: ModuleType, code: str):
    assert maker.po_of(code).with_suffix(".mo").read_bytes() == maker.compiled(maker.read(code))


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_a_translation_names_the_same_values(maker: ModuleType, code: str):
    import re

    for message in maker.read(code):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            wanted = {name for text in ids for name in re.findall(r"{\w+}", text)}
            for text in strings:
                assert set(re.findall(r"{\w+}", text)) == wanted, message.id


def test_no_text_is_told_past_the_catalogues():
    """What is told, asked or shown in the rooms without Qt, and every widget's words, go through `tr`."""
    telling = {
        "tell": 1, "notify": 1, "ask": 0, "choose": 0, "confirm": 0, "working": 0, "progress": 0, "setWindowTitle": 0,
        "setToolTip": 0, "setPlaceholderText": 0, "label": 0, "push": 0, "QLabel": 0, "addMenu": 0, "setText": 0,
    }  # fmt: skip
    plain = []
    for file in sorted((ROOT / "annotator").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for text in node.args[telling.get(name, 99) : telling.get(name, 99) + 2]:
                words = ""
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    words = text.value
                elif isinstance(text, ast.JoinedStr):
                    words = "".join(p.value for p in text.values if isinstance(p, ast.Constant))
                if " " in words.strip() and any(letter.isalpha() for letter in words) and "<" not in words:
                    plain.append(f"{file.name}:{node.lineno}: {words}")
    assert plain == []


def test_a_language_by_the_names_that_systems_use():
    assert known("zh_CN.UTF-8") == known("zh") == known("zh-Hans-CN") == "zh_CN"
    assert known("en_US") == "en"
    use("zh")
    assert tr("Submit") == "提交"
    assert trn("{count} stroke", "{count} strokes", 3) == "3 笔"
    assert "按住" in help_text("residual")
    assert (
        said("12 dots: the label jumps here, and its pictures do not")
        == "12 个点：标注在这里跳变，照片却没有"
    )
    use("en")
    assert tr("Submit") == "Submit"
    with pytest.raises(BadInputError, match="no such language"):
        use("tlh")


def test_the_system_s_language_is_taken_where_nobody_chose(monkeypatch: pytest.MonkeyPatch):
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    use("")
    assert tr("Submit") == "提交"
    monkeypatch.setenv("LANG", "tlh_KX.UTF-8")
    use("")
    assert tr("Submit") == "Submit"


def test_the_choice_is_kept_beside_the_other_settings(tmp_path: Path):
    from annotator.session.settings import RESIDUAL_TOOLS, read_settings

    file = tmp_path / "annotator.json"
    tools = RESIDUAL_TOOLS[1](radius=31.0)
    write_settings(file, {RESIDUAL_TOOLS[0]: tools})
    write_language(file, "zh_CN")
    write_settings(file, {RESIDUAL_TOOLS[0]: tools})
    assert read_language(file) == "zh_CN"
    assert read_settings(file, *RESIDUAL_TOOLS).radius == 31.0
    assert read_language(tmp_path / "none.json") == ""


def test_keys_are_those_of_the_platform():
    assert bound("Control-Shift-Z", "darwin") == "Meta-Shift-Z"
    assert bound("Shift-U", "darwin") == "Shift-U"
    assert shown("Control-Enter", "darwin") == "⌘Enter"
    assert shown("Control-Enter", "linux") == "Ctrl+Enter"
    assert shown("-", "linux") == shown("-", "darwin") == "-"
    assert say_keys("Ctrl+Z takes it back.", "darwin") == "⌘Z takes it back."
    for action in ACTIONS:
        for name in action.names:
            assert shown(name, "win32").split("+")[-1]


def _value_of(name: str, tree: ast.Module) -> ast.expr:
    """Return what a module assigns to a name."""
    return next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets)
    )


def test_every_sentence_of_the_core_is_known():
    """What `iea40k.outliers` says of a region is among the sentences that are translated."""
    spoken = set()
    for file in (ROOT / "iea40k" / "outliers").glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RefusedError":
                text = node.args[0]
                if isinstance(text, ast.Name):  # a sentence that has a name, of the module's own
                    text = _value_of(text.id, tree)
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                spoken.add("".join(p.value if isinstance(p, ast.Constant) else "7" for p in parts))
    assert spoken
    from annotator.residual.saying import _PATTERNS

    for sentence in spoken:
        assert any(pattern.fullmatch(sentence) for _, pattern in _PATTERNS), sentence
    assert len(SENTENCES) == len(_PATTERNS)


def test_the_catalogues_are_in_the_wheel():
    import tomllib

    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "*.mo" in told["tool"]["setuptools"]["package-data"]["*"]
    assert (language.CATALOGUES / "zh_CN" / "LC_MESSAGES" / "iea40k.mo").is_file()
