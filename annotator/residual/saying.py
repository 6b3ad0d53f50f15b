"""What the core says of a region, in the language in use: its sentences, with the figures that stand in them."""

import re

from annotator.shared.language import marked, tr

SENTENCES = (
    marked("{dots} dots: {why}"),
    marked("the label jumps here, and its pictures do not"),
    marked("they are neither in the reference nor at the other levels"),
    marked("the edge lies {pixels} px off here"),
    marked("brighter than the levels beside it allow"),
    marked("darker than the levels beside it allow"),
    marked("shows something that the other levels do not"),
    marked("the label has the other sign than reference minus exposure"),
    marked("the label is that of the level at {ev} EV"),
    marked("the label is off by {luma} from reference minus exposure"),
    marked("as bright as can be, here and in the reference"),
    marked("shines: blown here, in the reference and still at {ev} EV"),
    marked("blown at every level: nothing says what belongs here"),
    marked("{why}; set it by hand"),
    marked("there is no valid pixel in it"),
    marked("the label says already what a repair would say"),
    marked("it would be no surer than the label: {error} may be wrong of it, and {change} would change"),
    marked("neither the levels beside it nor the reference say what belongs here"),
    marked("nothing is blown in both pictures"),
    marked("the label is what its pictures say; whether these are right, a person must see"),
)
"""What `iea40k.outliers` says; a sentence that is not among these is said as it is."""


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile("".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>.+?)" for i, p in enumerate(parts)))


_PATTERNS = tuple((sentence, _pattern(sentence)) for sentence in SENTENCES)


def said(sentence: str) -> str:
    """Return a sentence of the core in the language in use.

    >>> said("the edge lies 3 px off here")
    'the edge lies 3 px off here'
    """
    for known, pattern in _PATTERNS:
        found = pattern.fullmatch(sentence)
        if found is not None:
            values = {name: said(value) for name, value in found.groupdict().items()}
            return tr(known, **values)
    return sentence
