"""The window's texts in a person's language, by gettext catalogues. The source has them in English.

`tr` and `trn` say a text in the language in use; `marked` names one that is said later. What is put into a text
stands in braces by name, so that a translation may put it elsewhere. `make catalogues` collects the texts.
"""

import gettext
import locale
import os
from pathlib import Path

from annotator.shared.keys import say_keys
from iea40k.errors import BadInputError

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
"""Languages there are, by their code, each named in itself."""

CATALOGUES = Path(__file__).parent.parent / "locale"
DOMAIN = "iea40k"

_found: gettext.NullTranslations = gettext.NullTranslations()


def use(language: str) -> None:
    """Say texts in a language from now on: a code of `LANGUAGES`, or how a system names one ("zh", "zh-Hans").

    "" stands for the system's own language, English where there is no catalogue of it. Raises `BadInputError` for one
    that is not there.
    """
    code = known(language or _of_system())
    if code is None:
        if language:
            raise BadInputError("no such language", expected=", ".join(LANGUAGES), got=language)
        code = "en"
    apply(gettext.translation(DOMAIN, CATALOGUES, [code], fallback=code == "en"))


def apply(translations: gettext.NullTranslations) -> None:
    """Say texts by a catalogue from now on."""
    global _found
    _found = translations


def known(language: str) -> str | None:
    """Return the code of a language as a system names it, None where there is no catalogue of it.

    >>> known("zh-Hans"), known("en_GB.UTF-8"), known("tlh")
    ('zh_CN', 'en', None)
    """
    short = language.replace("-", "_").split(".")[0].split("_")[0].lower()
    return next((code for code in LANGUAGES if code.split("_")[0] == short), None)


def tr(text: str, **values: object) -> str:
    """Return a text in the language in use, with `values` put where it names them."""
    said = say_keys(_found.gettext(text)) if text else ""
    return said.format(**values) if values else said


def trn(one: str, many: str, count: int, **values: object) -> str:
    """Return the text for one thing, or for as many as `count`, which it may name."""
    return say_keys(_found.ngettext(one, many, count)).format(count=count, **values)


def marked(text: str) -> str:
    """Return a text as it is: it is said by `tr` later, and collected here."""
    return text


def _of_system() -> str:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name].split(":")[0]
    return locale.getlocale()[0] or ""
