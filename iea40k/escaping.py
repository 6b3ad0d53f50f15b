"""Names and texts of others on their way to a terminal, a page, a table or a card: one place for each.

What cannot be seen, or turns the direction of what follows, is written as Python writes it: an escape sequence becomes
`\\x1b[2J`. Everything else of every script stays.
"""

import html
import re
import unicodedata

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return a text without control characters, marks of direction and half letters; line ends and tabs stay."""
    return _UNSEEN.sub(lambda found: _written(found[0]), text)


def html_text(text: str) -> str:
    """Return a text for a page, also between quotes."""
    return html.escape(visible(text), quote=True)


def markdown_text(text: object) -> str:
    """Return a text as Markdown that shows just that text: no markup, no HTML, no second line, no cell of its own.

    >>> markdown_text("<b>a</b> | [x](y)")
    '&lt;b&gt;a&lt;/b&gt; \\\\| \\\\[x\\\\](y)'
    """
    line = visible(" ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*|\[\]])", r"\\\1", line)


def csv_text(cell: str) -> str:
    """Return a cell for a CSV that people open: one that a spreadsheet would run as a formula gets a ' before it."""
    return visible(f"'{cell}" if begins_formula(cell) else cell)


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet takes a text for a formula; full-width signs are read as their plain ones in some."""
    return unicodedata.normalize("NFKC", text[:1])[:1] in tuple("=+-@\t\r")


def _written(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
