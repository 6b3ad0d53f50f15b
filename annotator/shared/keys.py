"""Keys as this platform has them: what is Ctrl elsewhere is Command on macOS, in what is bound and in what is said."""

import sys

_WORDS = {"Control": "Ctrl", "Shift": "Shift", "Alt": "Alt"}
_SIGNS = {"Control": "⌘", "Shift": "⇧", "Alt": "⌥"}
_ORDER = ("Alt", "Shift", "Control")  # as macOS's own menus have them


def bound(key: str, platform: str = sys.platform) -> str:
    """Return how napari names a key on a platform; our names are those of Linux and Windows.

    >>> bound("Control-Z", "darwin"), bound("Control-Z", "linux")
    ('Meta-Z', 'Control-Z')
    """
    return key.replace("Control-", "Meta-") if platform == "darwin" else key


def shown(key: str, platform: str = sys.platform) -> str:
    """Return a key as people write it on a platform.

    >>> shown("Control-Shift-Z", "darwin"), shown("Control-Shift-Z", "win32")
    ('⇧⌘Z', 'Ctrl+Shift+Z')
    """
    *modifiers, last = key.split("-") if not key.endswith("-") else (*key[:-2].split("-"), "-")
    modifiers = [name for name in modifiers if name]
    if platform != "darwin":
        return "+".join([*(_WORDS[name] for name in modifiers), last])
    return "".join(_SIGNS[name] for name in _ORDER if name in modifiers) + last


def say_keys(text: str, platform: str = sys.platform) -> str:
    """Return a sentence with its keys as a platform has them.

    >>> say_keys("Ctrl+Z takes it back, Shift+U does not.", "darwin")
    '⌘Z takes it back, ⇧U does not.'
    """
    if platform != "darwin":
        return text
    for written, sign in (("Ctrl+Shift+", "⇧⌘"), ("Ctrl+", "⌘"), ("Shift+", "⇧"), ("Alt+", "⌥")):
        text = text.replace(written, sign)
    return text
