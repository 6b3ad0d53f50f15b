"""What an action is, and the kinds of rows that the table of actions has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from annotator.reference.tools import Mode, ReferenceTools
from annotator.residual.tools import ResidualTools
from annotator.session.controller import Controller
from annotator.shared.display import Picture
from annotator.target import Kind

Act = Callable[[Controller], object]
When = Callable[[Controller], bool]
Part = Literal[
    "",
    "modes",
    "tools",
    "limits",
    "pictures",
    "compares",
    "beside",
    "checks",
    "shared",
    "maps",
    "edit",
    "verdict",
    "foot",
]
"""Where a button stands; "" for an action that has none."""

BOTH: tuple[Kind, ...] = ("residual", "reference")
EXPOSURES: tuple[Kind, ...] = ("residual",)
REFERENCES: tuple[Kind, ...] = ("reference",)

_SAME_KEY = ("Control-Return", "Shift-/")
"""Other names of a key that is named already."""


def _always(_: Controller) -> bool:
    return True


@dataclass(frozen=True)
class Action:
    """One action. `keys` are napari's names of them, with spaces between; `text` is what the page of keys says.

    - `on`: where it is available; a key may mean one thing at exposures and another at references
    - `let_go`: what happens when the key is released, for keys that are held
    - `words` stand on its button, in `part` of the window; `say`: where they depend on something
    - `checked`: whether its button is down; `shown` and `enabled`: whether there is a button, and whether it works
    """

    id: str
    keys: str
    text: str
    call: Act
    group: str
    on: tuple[Kind, ...] = BOTH
    let_go: Act | None = None
    part: Part = ""
    words: str = ""
    say: Callable[[Controller], str] | None = None
    checked: When | None = None
    shown: When = _always
    enabled: When = _always

    @property
    def names(self) -> tuple[str, ...]:
        """Its keys, as napari names them."""
        return tuple(self.keys.split())

    @property
    def key_words(self) -> list[str]:
        """Its keys, as people write them."""
        return [shown(name) for name in self.names if name not in _SAME_KEY]

    @property
    def tip(self) -> str:
        """What its button's tip says."""
        keys = f" ({', '.join(self.key_words)})" if self.keys else ""
        return f"{self.text[:1].upper()}{self.text[1:]}{keys}"

    def visible(self, controller: Controller) -> bool:
        """Return whether it is there just now."""
        return controller.target.kind in self.on and self.shown(controller)

    def label(self, controller: Controller) -> str:
        """Return the words on its button, with its key."""
        words = self.words if self.say is None else self.say(controller)
        return f"{words}  {self.key_words[0]}" if self.keys else words


def shown(key: str) -> str:
    """Return a key as people write it."""
    return key.replace("Control-", "Ctrl+").replace("Shift-", "Shift+").replace("Alt-", "Alt+")


# ------------------------------------------------------------ kinds of rows

suggestion = partial(Action, group="Suggestions", on=EXPOSURES)
stroke = partial(Action, group="Strokes")
view = partial(Action, group="View")
flow = partial(Action, group="Flow")
_tools = partial(Action, group="Tools", on=EXPOSURES, part="tools")
_zones = partial(Action, group="Zones", on=REFERENCES)


def brush(mode: str, keys: str, words: str, text: str) -> Action:
    """Return the row of a brush of the residual."""

    def on(c: Controller) -> bool:
        return (c.residual.tools.tool, c.residual.tools.mode) == ("brush", mode)

    return _tools(mode, keys, text, lambda c: c.residual.take_brush(mode), words=words, checked=on)


def tool(name: str, keys: str, words: str, text: str) -> Action:
    """Return the row of another tool at exposures."""

    def on(c: Controller) -> bool:
        return c.residual.tools.tool == name

    return _tools(name, keys, text, lambda c: c.residual.set_tools(tool=name), words=words, checked=on)


def number(id_: str, keys: str, text: str, change: Callable[[ResidualTools], ResidualTools]) -> Action:
    """Return the row of a setting of the tools at exposures."""
    return Action(id_, keys, text, lambda c: c.residual.adjust(change), "Brush", EXPOSURES)


def zone_mode(mode: Mode, keys: str, words: str, text: str) -> Action:
    """Return the row of what edits of a reference do."""

    def act(c: Controller) -> None:
        c.reference.adjust(lambda tools: tools.with_mode(mode))

    def on(c: Controller) -> bool:
        return c.reference.tools.mode == mode

    return _zones(f"zone {mode}", keys, text, act, part="modes", words=words, checked=on)


def zone_tool(name: str, keys: str, words: str, text: str) -> Action:
    """Return the row of a tool at references."""

    def act(c: Controller) -> None:
        c.reference.set_tools(tool=name)

    def on(c: Controller) -> bool:
        return c.reference.tools.tool == name

    return _zones(f"zone {name}", keys, text, act, part="tools", words=words, checked=on)


def zone_number(id_: str, keys: str, text: str, change: Callable[[ReferenceTools], ReferenceTools]) -> Action:
    """Return the row of a setting of the tools at references."""
    return _zones(id_, keys, text, lambda c: c.reference.adjust(change))


def picture(name: Picture, words: str, text: str, on: tuple[Kind, ...], keys: str = "") -> Action:
    """Return the row of a picture to see; its key goes there and back."""

    def act(c: Controller) -> None:
        c.target.see_picture(name, back=bool(keys))

    def seen(c: Controller) -> bool:
        return c.target.display.picture == name

    return view(f"{on[0]} picture {name}", keys, text, act, on=on, part="pictures", words=words, checked=seen)


def beside(name: Picture, words: str, on: tuple[Kind, ...]) -> Action:
    """Return the row of a picture to compare with."""

    def act(c: Controller) -> None:
        c.target.set_display(beside=name)

    return view(
        f"{on[0]} beside {name}",
        "",
        f"compare with this picture: {words.lower()}",
        act,
        on=on,
        part="beside",
        words=words,
        checked=lambda c: c.target.display.beside == name,
        shown=lambda c: c.target.display.compare != "single",
    )


def compare(id_: str, how: str, keys: str, words: str, text: str, on: tuple[Kind, ...] = BOTH) -> Action:
    """Return the row of a way to compare; the same again ends it."""

    def on_now(c: Controller) -> bool:
        return c.target.display.compare == how

    act: Act = lambda c: c.target.compare(how)  # noqa: E731
    return view(id_, keys, text, act, on=on, part="compares", words=words, checked=on_now)


def check(
    id_: str, keys: str, words: str, text: str, now: When, setting: str, on: tuple[Kind, ...] = BOTH
) -> Action:
    """Return the row of a setting of the display that is shown or not; `now` says whether it is."""

    def act(c: Controller) -> None:
        c.target.set_display(**{setting: not now(c)})

    return view(id_, keys, text, act, on=on, part="checks", words=words, checked=now)
