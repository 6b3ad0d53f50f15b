"""Whether a scheduler and its workers run what we run: other versions may make other bytes, or not understand us."""

import platform
from collections.abc import Mapping
from typing import Any

from iea40k.errors import BadInputError
from iea40k.recipe import versions

OF_DASK = ("python", "dask", "distributed")
OF_US = (
    "iea40k",
    "imagecodecs",
    "numpy",
    "numcodecs",
    "opencv-python-headless",
    "pillow",
    "rawpy",
    "tifffile",
)


def our_versions() -> dict[str, str]:
    """Return the versions here of all that decides what bytes come out."""
    return {"python": platform.python_version(), **versions(*OF_US)}


def check_versions(client: Any, scheduler: str) -> None:
    """Compare the client's versions with the scheduler's and every worker's. Raises `BadInputError` naming each."""
    found = client.get_versions()
    here = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"], **found["workers"]}
    faults = [
        line
        for who, there in others.items()
        for line in _differences(who, {k: here[k] for k in OF_DASK}, there["packages"])
    ]
    if not faults:
        ours = our_versions()
        for worker, there in client.run(our_versions, on_error="return").items():
            if isinstance(there, Exception):
                faults.append(f"{worker}: iea40k cannot be imported ({type(there).__name__}: {there})")
            else:
                faults += _differences(worker, ours, there)
    if faults:
        raise BadInputError(
            "the cluster runs other versions than this program",
            where=scheduler,
            expected="the same versions everywhere, so that the bytes do not depend on who works",
            got="; ".join(faults[:10]) + ("; ..." if len(faults) > 10 else ""),
            remedy="install the same packages there, or run this command in the cluster's environment",
        )


def _differences(who: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    return [
        f"{who}: {name} {_plain(there.get(name))}, here {_plain(version)}"
        for name, version in here.items()
        if _plain(there.get(name)) != _plain(version)
    ]


def _plain(version: Any) -> str:
    return str(version).partition(".final")[0]
