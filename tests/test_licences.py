"""Every installed package has a licence that is known, and none binds whoever uses this project."""

import json
import re
import runpy
from collections.abc import Callable
from email.message import Message
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest

TOOLS: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "make_licences.py"))
licence_of: Callable[[Distribution], str] = TOOLS["licence_of"]

FREE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "ZPL-2.1",
    "LGPL-3.0-only", "LGPL-2.1-or-later", "MPL-2.0",
}  # fmt: skip
"""Those of the last line bind who changes the package itself, not who imports it."""

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"
BSD_2 = "Redistribution and use in source and binary forms, with or\nwithout modification, are permitted"
BSD_3 = f"{BSD_2}\nNeither the name of the holder nor the names of its contributors may be used"
APACHE = "Apache License\n   Version 2.0, January 2004"


class Package(Distribution):
    """A package that says its licence as it is told to."""

    def __init__(self, fields: list[tuple[str, str]], files: dict[str, str], folder: Path) -> None:
        self._fields, self._files, self._folder = fields, files, folder
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    @property
    def metadata(self) -> Any:
        message = Message()
        for name, value in [("Name", "some_package"), *self._fields]:
            message[name] = value
        return message

    def read_text(self, filename: str) -> str | None:
        return "".join(f"{name},,\n" for name in self._files) if filename == "RECORD" else None

    def locate_file(self, path: Any) -> Any:
        return self._folder / path


@pytest.mark.parametrize(
    ("fields", "files", "expected"),
    [
        ([("License-Expression", "mit OR apache-2.0")], {}, "MIT OR Apache-2.0"),
        ([("License-Expression", "nonsense here")], {"LICENSE": MIT}, ""),
        ([("Classifier", "License :: OSI Approved :: MIT License")], {}, "MIT"),
        ([("Classifier", "License :: DFSG approved"), ("Classifier", "License :: MIT License")], {}, "MIT"),
        ([("Classifier", "License :: OSI Approved :: BSD License")], {"LICENSE.txt": BSD_3}, "BSD-3-Clause"),
        ([("Classifier", "License :: OSI Approved :: BSD License")], {"COPYING": BSD_2}, "BSD-2-Clause"),
        ([("Classifier", "License :: OSI Approved :: BSD License")], {}, ""),
        ([("License", "Apache 2.0")], {}, "Apache-2.0"),
        ([("License", APACHE)], {}, "Apache-2.0"),
        ([("License", "BSD")], {"a/b/LICENSE": MIT, "LICENSE": BSD_3}, "BSD-3-Clause"),
        ([], {"licences.py": MIT}, ""),
        ([], {}, ""),
    ],
)  # fmt: skip
def test_a_licence_is_found_where_it_is_said_without_doubt(
    fields: list[tuple[str, str]], files: dict[str, str], expected: str, tmp_path: Path
) -> None:
    assert licence_of(Package(fields, files, tmp_path)) == expected


def test_every_installed_package_has_a_licence_that_binds_nobody() -> None:
    found = {
        str(d.metadata["Name"]): licence_of(d) for d in distributions() if d.metadata["Name"] != "iea40k"
    }
    assert len(found) > 50
    assert [name for name, licence in found.items() if not licence] == []
    assert {name: licence for name, licence in found.items() if not _free(licence)} == {}
    assert _free("(MIT OR GPL-3.0-only) AND ISC")
    assert not _free("MIT AND GPL-3.0-only")


def _free(licence: str) -> bool:
    """Whether one may choose so that nothing but free licences holds."""
    inner = re.fullmatch(r"\((.*?)\) AND (.*)", licence)
    if inner:
        return _free(inner[1]) and _free(inner[2])
    return any(set(choice.split(" AND ")) <= FREE for choice in licence.split(" OR "))


def test_an_sbom_is_completed_and_tabled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    component = {"name": "PyYAML", "version": "1|2"}
    declared = {"name": "numpy", "version": "2", "licenses": [{"expression": "BSD-3-Clause"}]}
    (tmp_path / "sbom.json").write_text(json.dumps({"components": [component, declared]}))
    assert TOOLS["main"](tmp_path / "sbom.json", tmp_path / "licences.md") == 0
    first, second = json.loads((tmp_path / "sbom.json").read_text())["components"]
    assert first["licenses"] == [{"expression": "MIT", "acknowledgement": "concluded"}]
    assert second == declared
    text = (tmp_path / "licences.md").read_text()
    assert "| PyYAML | 1%7C2 | MIT | https://github.com/yaml/pyyaml |" in text
    assert all(
        len(re.findall(r"(?<!\\)\|", line)) in (3, 5) for line in text.splitlines() if line.startswith("|")
    )
    (tmp_path / "sbom.json").write_text(json.dumps({"components": [{"name": "no-such-package"}]}))
    assert TOOLS["main"](tmp_path / "sbom.json", tmp_path / "licences.md") == 1
    assert "no-such-package" in capsys.readouterr().err
