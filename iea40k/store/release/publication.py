"""What only the people who publish a dataset can say of it: who made it, how to cite it, where it lives.

Nothing of it is made up: what is not given is left out of the card, of CITATION.cff and of croissant.json.
"""

import re
from dataclasses import dataclass
from typing import Any

from iea40k.errors import BadInputError

_DOI = re.compile(r"^10\.\d{4,9}/[^\s<>\"|\[\]]+$")
_URL = re.compile(r"^https?://[^\s<>\"]+$")
_BEFORE_DOI = re.compile(r"^(?:doi:|https?://(?:dx\.)?doi\.org/)", re.IGNORECASE)


@dataclass(frozen=True)
class Publication:
    """What a curator says of a dataset, all of it optional.

    - `creators`: persons as "Family, Given", anything else is taken as an organisation
    - `citation`: how to cite it, as text or BibTeX; `url` and `doi`: where it lives
    - `description`: what it is, in a sentence or two
    - `label_licence`: the licence of the labels, which are the creators' own work; the photographs keep theirs

    Raises `BadInputError` for a URL or DOI that is none, and for an empty creator.
    """

    creators: tuple[str, ...] = ()
    citation: str = ""
    url: str = ""
    doi: str = ""
    description: str = ""
    label_licence: str = ""

    def __post_init__(self) -> None:
        if self.url and not _URL.match(self.url):
            raise BadInputError("not an address of a dataset", expected="http(s)://...", got=self.url[:200])
        doi = _BEFORE_DOI.sub("", self.doi.strip())
        if doi and not _DOI.match(doi):
            raise BadInputError("not a DOI", expected="10.PREFIX/SUFFIX", got=self.doi[:200])
        object.__setattr__(self, "doi", doi)
        if any(not creator.strip(" ,") for creator in self.creators):
            raise BadInputError("a creator without a name", expected='"Family, Given" or an organisation')

    @property
    def people(self) -> list[dict[str, str]]:
        """The creators: `family` and `given` of a person, `name` of an organisation."""
        return [_creator(creator) for creator in self.creators]

    def facts(self) -> dict[str, Any]:
        """Return what was said, as release.json keeps it; nothing for what was not."""
        said = {
            "creators": list(self.creators),
            "citation": self.citation,
            "url": self.url,
            "doi": self.doi,
            "description": self.description,
            "label_licence": self.label_licence,
        }
        return {name: value for name, value in said.items() if value}


def _creator(text: str) -> dict[str, str]:
    family, comma, given = (part.strip() for part in text.partition(","))
    return {"family": family, "given": given} if comma and family and given else {"name": text.strip(" ,")}
