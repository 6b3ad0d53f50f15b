"""`python docs/make_licences.py SBOM.json LICENCES.md`: the licence of every package of an SBOM, as an SPDX expression.

Packages say their licence in four ways: an expression, classifiers, a word or a whole text in the field "License", and
a file. The first that says it without doubt counts; "BSD" alone does not say which. What is found goes into the SBOM
where it had none, and into a table, a line a package. A package without a licence is named, and the exit code is 1.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

_WORDS = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "the 3-clause bsd license": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "the mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
"""What classifiers and the field "License" say, in small letters, where it is one licence without doubt."""

_LOOKED_UP = {
    "mlcroissant": "Apache-2.0",  # the LICENSE of its repository; conda-forge says the same
    "ply": "BSD-3-Clause",  # the head of each of its modules
    "pyopengl": "BSD-3-Clause",  # license.txt of its repository
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",  # its LICENSE: either, for all but old code, which is BSD
}
"""Packages whose wheels do not say it, or not plainly: what was found where they are made."""

_FILES = re.compile(r"(^|/)(licen[cs]e|copying)[^/]*$", re.IGNORECASE)
_MOST = 200_000


def licence_of(package: Distribution) -> str:
    """Return a package's licence as an SPDX expression, "" where it does not say it without doubt."""
    meta = package.metadata
    known = _LOOKED_UP.get(re.sub(r"[-_.]+", "-", str(meta["Name"])).lower())
    if known is not None:
        return known
    said = str(meta.get("License-Expression") or "")
    if said:
        return _spdx(said)
    classifiers = [
        c.split(" :: ")[-1] for c in meta.get_all("Classifier") or () if c.startswith("License ::")
    ]
    named = [_spdx(c) for c in classifiers if c not in ("OSI Approved", "DFSG approved")]
    if named and all(named):
        return " AND ".join(sorted(set(named)))  # both hold until somebody says that one may choose
    field = str(meta.get("License") or "").strip()
    return _spdx(field) or _of_text(field) or next((s for s in map(_of_text, _texts(package)) if s), "")


def _spdx(words: str) -> str:
    known = _WORDS.get(words.strip().lower(), words.strip())
    try:
        return str(canonicalize_license_expression(known)) if known else ""
    except (InvalidLicenseExpression, ValueError):
        return ""


def _texts(package: Distribution) -> Iterator[str]:
    """Yield the package's licence files, its own before those of what it carries along."""
    named = [file for file in package.files or () if _FILES.search(file.as_posix()) and file.suffix != ".py"]
    for file in sorted(named, key=lambda file: (len(file.parts), file.as_posix())):
        try:
            yield Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")[:_MOST]
        except OSError:
            continue


def _of_text(text: str) -> str:
    """Return what the text of a licence is, by sentences that only it has."""
    flat = " ".join(text.split())
    if "Apache License" in flat and "Version 2.0" in flat:
        return "Apache-2.0"
    if "Redistribution and use in source and binary forms" in flat:
        return (
            "BSD-3-Clause"
            if re.search("(Neither|may not|nor) .{0,80}(names?|contributors)", flat)
            else "BSD-2-Clause"
        )
    if "Permission is hereby granted, free of charge" in flat:
        return "MIT"
    if "Permission to use, copy, modify, and/or distribute this software" in flat:
        return "ISC"
    return ""


def completed(sbom: dict[str, Any]) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """Put into an SBOM the licences that it lacks.

    Returns a row (package, version, licence, address) for each component, and the names of those without a licence.
    """
    rows, missing = [], []
    for component in sorted(sbom["components"], key=lambda one: str(one["name"]).lower()):
        name = str(component["name"])
        try:
            package = distribution(name)
        except PackageNotFoundError:
            licence, address = "", ""
        else:
            licence, address = licence_of(package), _address(package)
        if not licence:
            missing.append(name)
        elif not component.get("licenses"):
            component["licenses"] = [{"expression": licence, "acknowledgement": "concluded"}]
        rows.append((name, str(component.get("version", "")), licence or "?", address))
    return rows, missing


def _address(package: Distribution) -> str:
    """Return where a package lives."""
    pages = [text.partition(",") for text in package.metadata.get_all("Project-URL") or ()]
    by_name = {name.strip().lower(): address.strip() for name, _, address in pages}
    named = (
        by_name[name]
        for name in ("homepage", "home", "source", "source code", "repository")
        if name in by_name
    )
    return str(next(named, package.metadata.get("Home-page") or next(iter(by_name.values()), "")))


def table(rows: list[tuple[str, str, str, str]]) -> str:
    """Return the licences in Markdown: how often each, and a line a package."""
    count = Counter(licence for _, _, licence, _ in rows)
    lines = ["# Licences of what is installed", "", "| licence | packages |", "|---|---|"]
    lines += [
        f"| {licence} | {number} |"
        for licence, number in sorted(count.items(), key=lambda one: (-one[1], one[0]))
    ]
    lines += ["", "| package | version | licence | address |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(cell.replace('|', '%7C') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def main(sbom_file: Path, table_file: Path) -> int:
    """Complete the SBOM, write the table; return 1 where a package has no licence."""
    sbom = json.loads(sbom_file.read_text(encoding="utf-8"))
    rows, missing = completed(sbom)
    sbom_file.write_text(json.dumps(sbom, indent=2) + "\n", encoding="utf-8")
    table_file.write_text(table(rows), encoding="utf-8")
    if missing:
        sys.stderr.write(f"no licence is known of {', '.join(missing)}: look, and tell their makers\n")
    return int(bool(missing))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
