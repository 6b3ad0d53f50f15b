"""Extras: the parts of an installation that only some people need, and what is said where one is missing."""

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from iea40k.errors import MissingExtraError

MODULES = {
    "curator": ("rawpy", "pi_heif", "sklearn", "mlcroissant", "matplotlib", "onnxruntime"),
    "annotator": ("napari", "magicgui", "npe2", "platformdirs", "qtpy", "PySide6", "superqt", "vispy"),
    "trainer": ("torch", "safetensors", "tensorboard", "onnx"),
    "postgresql": ("psycopg",),
    "remote": ("fsspec", "aiohttp", "s3fs"),
    "cluster": ("distributed", "dask", "bokeh", "cryptography"),
}
"""The modules that each extra brings. A module of two extras stands where most people miss it."""


def explained(error: BaseException) -> MissingExtraError | None:
    """Return what an import error means where a module of an extra is missing, None where it means something else."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra, modules in MODULES.items() if name in modules), None)
    return None if extra is None else missing(name, extra)


def missing(module: str, extra: str) -> MissingExtraError:
    """Return the error for a module that is not installed, with the line that installs its extra."""
    return MissingExtraError(f"this needs {module}, which is not installed", remedy=install_line(extra))


def require(module: str, extra: str) -> None:
    """Raise `MissingExtraError` where a module is not installed, before anything is read for it."""
    if find_spec(module) is None:
        raise missing(module, extra)


def install_line(extra: str) -> str:
    """Return the line that adds an extra to this installation: to its clone, its wheel, or whatever pip finds."""
    origin, editable = _origin()
    if origin.endswith(".whl"):
        return f"pip install {shlex.quote(f'iea40k[{extra}] @ {origin}')}"
    path = url2pathname(unquote(urlparse(origin).path)) if origin.startswith("file:") else ""
    target = shlex.quote(f"{path or 'iea40k'}[{extra}]")
    constraints = f" -c {shlex.quote(path)}/constraints.txt" if path else ""
    return f"pip install{constraints}{' -e' if editable else ''} {target}"


def _origin() -> tuple[str, bool]:
    """Return where pip installed this distribution from, "" where that was an index, and whether it is editable."""
    try:
        text = distribution("iea40k").read_text("direct_url.json")
    except PackageNotFoundError:
        text = None
    noted = json.loads(text or "{}")
    return str(noted.get("url", "")), bool(noted.get("dir_info", {}).get("editable"))
