"""Read ICC profiles (ISO 15076-1): the curves and the matrix of a display profile, and whether it needs more."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iea40k.errors import BadInputError

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Encoded values in [0, 1] to light in [0, 1], elementwise, float64."""

_LUT_TAGS = ("A2B0", "A2B1", "A2B2", "D2B0", "D2B1")


@dataclass(frozen=True)
class Profile:
    """A parsed profile.

    `space` is "RGB" or "GRAY". `curves` (3, or 1 for grey) and `colourants` (3x3, XYZ relative to D50 of a unit of
    R, G, B in its columns) describe a matrix profile; both are None for one made of tables (`A2B0`),
    which a colour engine has to evaluate. `colourants` is None for grey too.
    """

    name: str
    space: str
    curves: tuple[Curve, ...] | None
    colourants: NDArray[np.float64] | None


def parse_profile(data: bytes) -> Profile:
    """Return the profile in `data`. Raises `BadInputError` for broken ones, and for spaces other than RGB, grey."""
    try:
        return _parse(data)
    except (struct.error, IndexError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise BadInputError(
            "the embedded colour profile is broken",
            expected="an ICC profile",
            got=f"{len(data)} bytes that cannot be read as one ({error})",
            remedy="write the profile anew with the program that made the file, or convert the file to sRGB",
        ) from error


def _parse(data: bytes) -> Profile:
    if data[36:40] != b"acsp":
        raise ValueError("no 'acsp' signature")
    space = data[16:20].decode("ascii").strip()
    if space not in ("RGB", "GRAY"):
        raise BadInputError(
            "the embedded colour profile is for another kind of colour",
            expected="an RGB or grey profile",
            got=space,
            remedy="convert the file to RGB in the program that made it",
        )
    tags = _tags(data)
    name = _description(tags.get("desc", b""))
    if any(tag in tags for tag in _LUT_TAGS):
        return Profile(name, space, None, None)
    if space == "GRAY":
        return Profile(name, space, (_curve(tags["kTRC"]),), None)
    curves = tuple(_curve(tags[f"{channel}TRC"]) for channel in "rgb")
    colourants = np.stack([_xyz(tags[f"{channel}XYZ"]) for channel in "rgb"], axis=1)
    return Profile(name, space, curves, colourants)


def _tags(data: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">I", data, 128)
    if count > 1000:
        raise ValueError(f"{count} tags")
    found = {}
    for index in range(count):
        signature, offset, size = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if offset + size > len(data):
            raise ValueError(f"tag {signature!r} lies beyond the end")
        found[signature.decode("ascii")] = data[offset : offset + size]
    return found


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8), np.float64) / 65536


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        count = (1, 3, 4, 5, 7)[kind]
        return _parametric(kind, [v / 65536 for v in struct.unpack_from(f">{count}i", tag, 12)])
    if tag[:4] != b"curv":
        raise ValueError(f"curve of type {tag[:4]!r}")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return lambda x: x
    values = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 1:
        gamma = float(values[0]) / 256
        return lambda x: np.power(x, gamma)
    steps = np.linspace(0.0, 1.0, count)
    return lambda x: np.interp(x, steps, values / 65535)


def _parametric(kind: int, parameters: list[float]) -> Curve:
    # ISO 15076-1, table 68: y = (a x + b)^g + e from d on, below it c x + f.
    g, a, b, c, d, e, f = [*parameters, *[0.0] * (7 - len(parameters))]
    if kind == 0:
        return lambda x: np.power(x, g)
    if kind in (1, 2):
        low = c if kind == 2 else 0.0
        c, d, e, f = 0.0, -b / a, low, low
    return lambda x: np.where(x >= d, np.power(np.maximum(a * x + b, 0), g) + e, c * x + f)


def _description(tag: bytes) -> str:
    if tag[:4] == b"desc":
        (length,) = struct.unpack_from(">I", tag, 8)
        return tag[12 : 12 + length].rstrip(b"\0").decode("ascii", "replace")
    if tag[:4] == b"mluc":
        length, offset = struct.unpack_from(">II", tag, 20)
        return tag[offset : offset + length].decode("utf-16-be", "replace").rstrip("\0")
    return "unnamed"
