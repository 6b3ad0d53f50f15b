"""Write the tables of keys into docs/annotator.md, from the table of actions: `python docs/make_annotator_keys.py`."""

from collections.abc import Sequence
from pathlib import Path

from annotator.action import REFERENCES, Action
from annotator.actions import ACTIONS, NAPARI, available

PAGE = Path(__file__).with_name("annotator.md")
HEAD = "| key | what it does |\n|---|---|\n"
BETWEEN = "\nAt a reference these keys mean something else:\n\n"


def main() -> None:
    """Write them."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(HEAD)], text[text.index("\n## If something is wrong") :]
    own = [action for action in available("reference") if action.on == REFERENCES]
    tables = table(available("residual"), NAPARI) + BETWEEN + table(own, ())
    PAGE.write_text(before + tables + after, encoding="utf-8")


def table(actions: Sequence[Action], napari: Sequence[tuple[str, str]]) -> str:
    """Return the rows of some actions, by group."""
    lines = []
    for group in dict.fromkeys(action.group for action in ACTIONS):
        rows = [(cell(action), action.text) for action in actions if action.group == group and action.keys]
        rows += [(f"`{key}`", text) for key, text in napari if group == "View"]
        if rows:
            lines += [f"| **{group}** | |", *(f"| {keys} | {text} |" for keys, text in rows)]
    return HEAD + "\n".join(lines) + "\n"


def cell(action: Action) -> str:
    """Return the keys of an action as the page has them."""
    return " or ".join(f"`` {key} ``" if "`" in key else f"`{key}`" for key in action.key_words)


if __name__ == "__main__":
    main()
