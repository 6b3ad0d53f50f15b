"""README.md of a release: the dataset card that a person reads first, with the head that dataset hubs read."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

from jinja2 import Environment, StrictUndefined

from iea40k.escaping import begins_formula, markdown_text
from iea40k.store.release import content
from iea40k.store.release.publication import Publication

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_HUB_SPLITS = {"valid": "validation"}
_HUB_LICENCE = re.compile(r"^(cc0-1\.0|cc-by(?:-nc|-nd|-sa)*-\d\.0|mit|apache-2\.0)$")


def dataset_card(facts: Mapping[str, Any]) -> str:
    """Return the card as Markdown, made from what release.json says. Words that people gave cannot be markup in it."""
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["plain"] = _plain
    environment.filters["figure"] = lambda value: "-" if value is None else f"{value:.3f}"
    environment.filters["percent"] = lambda value: "-" if value is None else f"{100 * value:.1f} %"
    template = files(__package__).joinpath("card_template.md").read_text(encoding="utf-8")
    said = dict(facts.get("about", {}))
    about = Publication(**said | {"creators": tuple(said.get("creators", ()))})
    return environment.from_string(template).render(
        {
            **facts,
            "about": about,
            "people": [
                f"{who['given']} {who['family']}" if "family" in who else who["name"] for who in about.people
            ],
            "size": next((name for limit, name in _SIZES if facts["images"] < limit), "n>1M"),
            "licence_key": _licence_key(facts, about),
            "previews": [
                {"split": _HUB_SPLITS.get(split := PurePosixPath(name).stem, split), "path": name}
                for name in facts["files"]
                if name.startswith(f"{content.PREVIEW}/")
            ],
            "tables": [
                {"name": name, "path": f"{content.TABLES}/{name}.parquet"}
                for name in content.TABLE_NAMES
                if name != "provenance"
                or facts["corrected_images"]  # `datasets` fails at a table without rows
            ],
        }
    )


def _plain(text: object) -> str:
    """Return a text as Markdown; one that a spreadsheet would run as a formula stands in quotes, in case a table is
    copied into one."""
    line = " ".join(str(text).split())
    return markdown_text(f'"{line}"' if len(line) > 1 and begins_formula(line) else line)


def _licence_key(facts: Mapping[str, Any], about: Publication) -> str:
    """Return the hubs' name of the licence where photographs and labels share one that they know, else "other"."""
    names = {*facts["licences"], *([about.label_licence] if about.label_licence else [])}
    key = names.pop().lower() if len(names) == 1 else ""
    return key if _HUB_LICENCE.match(key) else "other"
