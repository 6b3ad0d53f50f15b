"""The lock holds every package that an installation needs, on every Python and system, each with its hashes."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-locked.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = ("curator", "annotator", "trainer", "postgresql", "remote", "cluster", "dev")
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}


def locked() -> Iterator[tuple[Requirement, list[str]]]:
    text = re.sub(r"\\\n\s*", " ", LOCK.read_text())
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
            yield Requirement(requirement), hashes


def environment(python: str, system: str) -> dict[str, str]:
    machine = "AMD64" if system == "win32" else "x86_64"
    return {
        "python_version": python, "python_full_version": f"{python}.9", "sys_platform": system, "extra": "",
        "platform_system": SYSTEMS[system][0], "os_name": SYSTEMS[system][1], "platform_machine": machine,
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip


def pins(python: str, system: str) -> dict[str, str]:
    here = environment(python, system)
    fitting = [r for r, _ in locked() if r.marker is None or r.marker.evaluate(here)]
    names = [canonicalize_name(r.name) for r in fitting]
    assert len(set(names)) == len(names), "one version of each"
    return {canonicalize_name(r.name): next(iter(r.specifier)).version for r in fitting}


def wanted() -> list[Requirement]:
    project = PROJECT["project"]
    lines = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    lines += [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    return [Requirement(line) for line in lines]


def apart() -> set[str]:
    """What is left to the machine: torch, and what its build brings along."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    return set(re.search(r"^TORCHS := (.*)$", text, re.MULTILINE)[1].split())  # type: ignore[index]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_locked(python: str, system: str) -> None:
    there = pins(python, system)
    here = environment(python, system)
    for requirement in wanted():
        name = canonicalize_name(requirement.name)
        if name in apart() or (requirement.marker is not None and not requirement.marker.evaluate(here)):
            continue
        assert name in there, requirement
        assert requirement.specifier.contains(there[name], prereleases=True), (requirement, there[name])


@pytest.mark.parametrize("python", PYTHONS)
def test_what_they_require_is_locked_too(python: str) -> None:
    """As far as this environment can tell: by the metadata of what is installed in it."""
    there, here = pins(python, "linux"), environment(python, "linux")
    asked = {canonicalize_name(r.name): set(r.extras) for r in wanted()}
    for name in there:
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            extras = asked.get(name, set()) | {""}
            marker = requirement.marker
            if marker is None or any(marker.evaluate({**here, "extra": extra}) for extra in extras):
                needed = canonicalize_name(requirement.name)
                assert needed in there or needed in apart(), f"{name} needs {requirement}"


def test_every_package_has_hashes_and_no_address() -> None:
    for requirement, hashes in locked():
        assert hashes, requirement
        assert all(re.fullmatch(r"[0-9a-f]{64}", sha) for sha in hashes), requirement
        assert [s.operator for s in requirement.specifier] == ["=="]
    assert "://" not in LOCK.read_text()


def test_the_tested_versions_are_those_that_are_locked() -> None:
    there = pins("3.11", "linux")
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            found = there.get(canonicalize_name(name))
            assert found in (None, version), f"{line}, locked is {found}: `make lock`"


def test_setup_uses_it() -> None:
    assert "--require-hashes -r requirements-locked.txt" in (ROOT / "Makefile").read_text()
