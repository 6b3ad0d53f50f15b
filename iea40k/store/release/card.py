"""README.md of a release: the dataset card that a person reads first, with the head that dataset hubs read."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined


def dataset_card(facts: Mapping[str, Any]) -> str:
    """Return the card as Markdown, made from what release.json says."""
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    template = files(__package__).joinpath("card_template.md").read_text(encoding="utf-8")
    return environment.from_string(template).render(facts)
