"""Collect the window's texts into the catalogues of `annotator/locale`, and compile them: `make catalogues`.

A translation that is there is kept; one whose English text changed is marked "fuzzy", and not said until somebody
looked at it. Needs babel.
"""

import contextlib
import io
import sys
from pathlib import Path

from babel.messages import Catalog, mofile, pofile
from babel.messages.extract import extract_from_dir

from annotator.actions import ACTIONS
from annotator.reference.tools import SLIDERS as REFERENCE_SLIDERS
from annotator.residual.tools import SLIDERS as RESIDUAL_SLIDERS
from annotator.shared.language import CATALOGUES, DOMAIN, LANGUAGES
from iea40k.outliers import Outlier
from iea40k.outliers.kinds import Kind

ROOT = Path(__file__).parent.parent
KEYWORDS = {"tr": None, "trn": (1, 2), "marked": None}


def in_tables() -> list[str]:
    """Return the texts that stand in tables."""
    actions = [text for action in ACTIONS for text in (action.text, action.words, action.group)]
    sliders = [slider.label for slider in (*RESIDUAL_SLIDERS, *REFERENCE_SLIDERS)]
    kinds = [text for kind in Kind for text in (kind.words, kind.repair)]
    return [text for text in (*actions, *sliders, *kinds, *(bit.title for bit in Outlier)) if text]


def collected() -> Catalog:
    """Return every text of the window, without translations."""
    catalog = Catalog(project="iea40k", charset="utf-8")
    with contextlib.redirect_stderr(io.StringIO()):  # it warns of f-strings among the values put into a text
        found = list(extract_from_dir(ROOT / "annotator", [("**.py", "python")], keywords=KEYWORDS))
    for file, _line, message, _comments, _context in sorted(found, key=lambda f: (f[0], f[1])):
        catalog.add(message, locations=[(f"annotator/{file}".replace("\\", "/"), 0)])
    for text in in_tables():
        catalog.add(text)
    return catalog


def po_of(code: str) -> Path:
    """Return the file with the translations into a language."""
    return CATALOGUES / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(code: str) -> Catalog:
    """Return the translations into a language, none where there is no file yet."""
    file = po_of(code)
    if not file.exists():
        return Catalog(locale=code, project="iea40k", charset="utf-8")
    with file.open("rb") as opened:
        return pofile.read_po(opened, locale=code)


def compiled(catalog: Catalog) -> bytes:
    """Return a catalogue as gettext reads it."""
    made = io.BytesIO()
    mofile.write_mo(made, catalog)
    return made.getvalue()


def missing(code: str) -> list[str]:
    """Return the texts that a language has no translation of."""
    have = read(code)
    lacking = []
    for message in collected():
        if not message.id:
            continue
        known = have.get(message.id[0] if isinstance(message.id, tuple) else message.id)
        strings = () if known is None or known.fuzzy else known.string
        if not strings or not all([strings] if isinstance(strings, str) else strings):
            lacking.append(str(message.id))
    return lacking


def main() -> int:
    """Write the catalogues; 1 where a translation is missing, which is named."""
    lacking = 0
    for code in LANGUAGES:
        if code == "en":
            continue
        catalog = read(code)
        catalog.update(collected(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        po_of(code).parent.mkdir(parents=True, exist_ok=True)
        with po_of(code).open("wb") as opened:
            pofile.write_po(
                opened, catalog, width=110, sort_output=True, omit_header=False, include_lineno=False
            )
        po_of(code).with_suffix(".mo").write_bytes(compiled(read(code)))
        for text in missing(code):
            sys.stderr.write(f"{code}: not translated: {text}\n")
            lacking = 1
    return lacking


if __name__ == "__main__":
    sys.exit(main())
