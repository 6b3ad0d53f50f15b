"""What an action is, and the kinds of rows that the table of actions has."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from annotator.reference.tools import Mode, ReferenceTools
from annotator.residual.tools import ResidualTools
from annotator.session.controller import Controller
from annotator.shared.display import Picture
from annotator.shared.keys import shown
from annotator.shared.language import tr
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

_SAME_KEY = ("Control-Return", "Return", "Shift-/")
"""Other names of a key that is named already."""


def _always(_: Controller) -> bool:
    return True


@dataclass(frozen=True)
class Action:
    """One action. `keys` are napari's names of them, with spaces between; `text` is what the page of keys says.

    - `on`: where it is available; a key may mean one thing at exposures and another at references
    - `let_go`: what happens when the key is released, for keys that are held
    - `words` stand on its button, in `part` of the window; `say`: where they depend on something. Words
      are English here; `say` returns them as they are shown, in the language in use
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
        return f"{self.title}{keys}"

    @property
    def title(self) -> str:
        """Its text, in the language in use, as a sentence begins."""
        said = tr(self.text)
        return f"{said[:1].upper()}{said[1:]}"

    def visible(self, controller: Controller) -> bool:
        """Return whether it is there just now."""
        return controller.target.kind in self.on and self.shown(controller)

    def label(self, controller: Controller) -> tuple[str, str]:
        """Return the words on its button, and its key, "" for none."""
        words = tr(self.words) if self.say is None else self.say(controller)
        return words, self.key_words[0] if self.keys else ""


# ------------------------------------------------------------ kinds of rows

suggestion = partial(Action, group="Suggestions", on=EXPOSURES)
stroke = partial(Action, group="Strokes")
view = partial(Action, group="View")
flow = partial(Action, group="Flow")
_zones = partial(Action, group="Zones", on=REFERENCES)


def _taking(id_: str, keys: str, words: str, text: str, on: tuple[Kind, ...], **settings: str) -> Action:
    """Return the row that takes a tool; `settings` are those of the tools that say which."""
    return Action(
        id_,
        keys,
        text,
        lambda c: c.target.set_tools(**settings),
        "Tools" if on == EXPOSURES else "Zones",
        on,
        part="tools",
        words=words,
        checked=lambda c: settings.items() <= vars(c.target.tools).items(),
    )


def brush(mode: str, keys: str, words: str, text: str) -> Action:
    """Return the row of a brush of the residual."""
    return _taking(mode, keys, words, text, EXPOSURES, tool="brush", mode=mode)


def tool(name: str, keys: str, words: str, text: str) -> Action:
    """Return the row of another tool at exposures."""
    return _taking(name, keys, words, text, EXPOSURES, tool=name)


def zone_tool(name: str, keys: str, words: str, text: str) -> Action:
    """Return the row of a tool at references."""
    return _taking(f"zone {name}", keys, words, text, REFERENCES, tool=name)


def zone_mode(mode: Mode, keys: str, words: str, text: str) -> Action:
    """Return the row of what edits of a reference do."""
    row = zone_number(f"zone {mode}", keys, text, lambda tools: tools.with_mode(mode))
    return replace(row, part="modes", words=words, checked=lambda c: c.reference.tools.mode == mode)


def number(id_: str, keys: str, text: str, change: Callable[[ResidualTools], ResidualTools]) -> Action:
    """Return the row of a setting of the tools at exposures."""
    return Action(id_, keys, text, lambda c: c.residual.adjust(change), "Brush", EXPOSURES)


def zone_number(id_: str, keys: str, text: str, change: Callable[[ReferenceTools], ReferenceTools]) -> Action:
    """Return the row of a setting of the tools at references."""
    return _zones(id_, keys, text, lambda c: c.reference.adjust(change))


def picture(name: Picture, words: str, text: str, on: tuple[Kind, ...], keys: str = "") -> Action:
    """Return the row of a picture to see; its key goes there and back."""
    return view(
        f"{on[0]} picture {name}",
        keys,
        text,
        lambda c: c.target.see(lambda d: d.toggled(name) if keys else d.chosen(picture=name)),
        on=on,
        part="pictures",
        words=words,
        checked=lambda c: c.target.display.picture == name,
    )


def beside(name: Picture, words: str, on: tuple[Kind, ...]) -> Action:
    """Return the row of a picture to compare with."""
    return view(
        f"{on[0]} beside {name}",
        "",
        f"compare with this picture: {words.lower()}",
        lambda c: c.target.set_display(beside=name),
        on=on,
        part="beside",
        words=words,
        checked=lambda c: c.target.display.beside == name,
        shown=lambda c: c.target.display.compare != "single",
    )


def compare(id_: str, how: str, keys: str, words: str, text: str, on: tuple[Kind, ...] = BOTH) -> Action:
    """Return the row of a way to compare; the same again ends it."""
    return view(
        id_,
        keys,
        text,
        lambda c: c.target.see(lambda d: d.compared(how)),
        on=on,
        part="compares",
        words=words,
        checked=lambda c: c.target.display.compare == how,
    )


def check(
    id_: str, keys: str, words: str, text: str, now: When, setting: str, on: tuple[Kind, ...] = BOTH
) -> Action:
    """Return the row of a setting of the display that is shown or not; `now` says whether it is."""

    def act(c: Controller) -> None:
        c.target.set_display(**{setting: not now(c)})

    return view(id_, keys, text, act, on=on, part="checks", words=words, checked=now)
