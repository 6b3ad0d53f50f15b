"""Write the tables of keys into the guides, from the table of actions: `python docs/make_annotator_keys.py`.

The Chinese guide takes its words from the window's own catalogue, so that page and window say the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from annotator.action import REFERENCES, Action
from annotator.actions import ACTIONS, NAPARI, available
from annotator.shared import language
from annotator.shared.language import tr


class Guide(NamedTuple):
    """A guide: its file, the code of its language, and what its tables stand between."""

    file: str
    code: str
    head: str
    between: str
    after: str


GUIDES = (
    Guide(
        "annotator.md",
        "en",
        "| key | what it does |\n|---|---|\n",
        "\nAt a reference these keys mean something else:\n\n",
        "\n## If something is wrong",
    ),
    Guide(
        "zh/annotator.md",
        "zh_CN",
        "| 按键 | 作用 |\n|---|---|\n",
        "\n在参考图上，这些键的意思不同：\n\n",
        "\n## 出了问题",
    ),
)


def main(folder: Path = Path(__file__).parent) -> None:
    """Write them into the guides below a folder."""
    for guide in GUIDES:
        page = folder / guide.file
        page.write_text(with_tables(guide, page.read_text(encoding="utf-8")), encoding="utf-8")


def with_tables(guide: Guide, text: str) -> str:
    """Return the text of a guide with its tables as the actions are now."""
    language.use(guide.code)
    try:
        own = [action for action in available("reference") if action.on == REFERENCES]
        tables = (table(available("residual"), NAPARI), table(own, ()))
    finally:
        language.use("en")
    before, after = text[: text.index(guide.head)], text[text.index(guide.after) :]
    return before + guide.between.join(guide.head + rows for rows in tables) + after


def table(actions: Sequence[Action], napari: Sequence[tuple[str, str]]) -> str:
    """Return the rows of some actions, by group, in the language in use."""
    lines = []
    for group in dict.fromkeys(action.group for action in ACTIONS):
        rows = [
            (cell(action), tr(action.text)) for action in actions if action.group == group and action.keys
        ]
        rows += [(f"`{tr(key)}`", tr(text)) for key, text in napari if group == "View"]
        if rows:
            lines += [f"| **{tr(group)}** | |", *(f"| {keys} | {text} |" for keys, text in rows)]
    return "\n".join(lines) + "\n"


def cell(action: Action) -> str:
    """Return the keys of an action as the page has them."""
    return tr(" or ").join(f"`` {key} ``" if "`" in key else f"`{key}`" for key in action.key_words)


if __name__ == "__main__":
    main()
