"""CITATION.cff of a release: how to cite the dataset, in the Citation File Format 1.2.0."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from iea40k.store.release.publication import Publication

_SPDX = re.compile(r"^(CC0-1\.0|CC-BY(?:-NC|-ND|-SA)*-\d\.0|MIT|Apache-2\.0|ODbL-1\.0|ODC-By-1\.0)$")


def citation_file(facts: Mapping[str, Any], about: Publication) -> str:
    """Return CITATION.cff for a dataset of these facts. Nobody named, the authors are those of the dataset."""
    authors = [
        {"family-names": who["family"], "given-names": who["given"]} if "family" in who else dict(who)
        for who in about.people
    ]
    entry: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": facts["name"],
        "version": facts["version"],
        "authors": authors or [{"name": f"The authors of {facts['name']}"}],
    }
    if facts["published"]:
        entry["date-released"] = facts["published"]
    if about.description:
        entry["abstract"] = about.description
    if about.doi:
        entry["doi"] = about.doi
    if about.url:
        entry["url"] = about.url
    if _SPDX.match(about.label_licence):  # the format knows SPDX names alone
        entry["license"] = about.label_licence
    entry["keywords"] = ["image exposure", "image quality"]
    return yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=1000)
