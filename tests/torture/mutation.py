"""Good files made bad: bit by bit, and with knowledge of what a TIFF, a `.npy` or JSON is made of."""

import ast
import json
import random
import struct
from collections.abc import Callable
from typing import Any

NUMBERS = (0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
_MARKS = (b"\0", b"\n", b'"', b"[", b"{", b"-", b"9", b"\xff")
_TAGS = (254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 323, 324, 330, 34675, 34665, 50706)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, 10**400, 0.5, -0.0, 1e308, 1e-308, float("nan"),
    float("inf"), "", "x", "0", "nan", "\0", "\ud800", "../../x", "/etc/passwd", "a" * 5000, [], {}, [[]], [{}],
    {"": ""}, [None] * 5, ["x"] * 5,
)  # fmt: skip


def mutated(data: bytes, suffix: str, rng: random.Random) -> bytes:
    """Return a bad form of a good file; `suffix` says what it is."""
    aware = _AWARE.get(suffix)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        data = aware(data, rng) if aware is not None and rng.random() < 0.7 else _bytes(data, rng)
    return data


def _bytes(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return rng.randbytes(rng.randrange(64))
    at = rng.randrange(len(data))
    end = min(len(data), at + rng.choice((1, 2, 4, 8, 64, 1024)))
    number = rng.choice(NUMBERS)
    return rng.choice((
        lambda: data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :],
        lambda: data[:at] + rng.randbytes(end - at) + data[end:],
        lambda: data[:at] + data[end:],
        lambda: data[:at] + data[at:end] * rng.choice((2, 3, 100)) + data[end:],
        lambda: data[:at],
        lambda: data[:at] + struct.pack(rng.choice("<>") + "I", number) + data[at + 4 :],
        lambda: data[:at] + struct.pack(rng.choice("<>") + "Q", number << rng.choice((0, 32))) + data[at + 8 :],
        lambda: data[:at] + rng.choice(_MARKS) * rng.choice((1, 50)) + data[at:],
        lambda: data + rng.randbytes(rng.randrange(200)),
    ))()  # fmt: skip


def _tiff(data: bytes, rng: random.Random) -> bytes:
    """Change an entry of a directory, its offset, or where the next directory is: to somewhere, itself, or beyond."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    places = _directories(data, order) if order else []
    if not places or order is None:
        return _bytes(data, rng)
    start, count = rng.choice(places)
    out = bytearray(data)
    some = rng.choice((*NUMBERS, len(data), len(data) - 1, start, 8, rng.randrange(max(1, len(data)))))
    choice = rng.randrange(6)
    if choice == 0:
        struct.pack_into(order + "H", out, start, rng.choice((0, count + 1, 65535, rng.randrange(1, 40))))
    elif choice == 1:
        _put(out, start + 2 + 12 * count, order, rng.choice((start, some)))
    else:
        entry = start + 2 + 12 * rng.randrange(count)
        if choice == 2 and entry + 4 <= len(out):
            tag = rng.choice(_TAGS)
            struct.pack_into(order + "HH", out, entry, tag, rng.choice((1, 2, 3, 4, 5, 7, 12, 13, 16, 0, 99)))
        elif choice == 3:
            _put(out, entry + 4, order, some)
        else:
            _put(out, entry + 8, order, some)
    return bytes(out)


def _directories(data: bytes, order: str) -> list[tuple[int, int]]:
    """Return where the directories of a chain begin, and how many entries each has."""
    found: list[tuple[int, int]] = []
    try:
        (at,) = struct.unpack_from(order + "I", data, 4)
        while at and len(found) < 20:
            (count,) = struct.unpack_from(order + "H", data, at)
            if not 0 < count < 500 or at + 2 + 12 * count + 4 > len(data):
                break
            found.append((at, count))
            for entry in range(at + 2, at + 2 + 12 * count, 12):
                tag, kind, values, value = struct.unpack_from(order + "HHII", data, entry)
                if tag in (330, 34665) and kind in (4, 13) and values == 1 and value + 2 < len(data):
                    (below,) = struct.unpack_from(order + "H", data, value)
                    if 0 < below < 500 and value + 2 + 12 * below + 4 <= len(data):
                        found.append((value, below))
            (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    except struct.error:
        pass
    return found


def _put(out: bytearray, at: int, order: str, value: int) -> None:
    if 0 <= at <= len(out) - 4:
        struct.pack_into(order + "I", out, at, value % (1 << 32))


def _npy(data: bytes, rng: random.Random) -> bytes:
    """Change what the header says: shape, dtype, order, or how long it is itself."""
    length = int.from_bytes(data[8:10], "little")
    try:
        header = ast.literal_eval(data[10 : 10 + length].decode("latin-1").strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        header = None
    if not isinstance(header, dict):
        return _bytes(data, rng)
    key = rng.choice(("descr", "shape", "fortran_order"))
    header[key] = rng.choice({
        "descr": ("<f8", ">f4", "|O", "|V7", "<U9", "|b1", "<m8[ns]", "<c16", "", "x", [("a", "<f4")], "<f99999", 7),
        "shape": ((), (0,), (-1, 4), (2**40, 2**40), (4,), (1,) * 40, "x", (True, 2), (4.0, 4), (2**63, 1)),
        "fortran_order": (True, None, "x", 2),
    }[key])  # fmt: skip
    if rng.random() < 0.2:
        header[rng.choice(("", "more", "shape "))] = 1
    text = repr(header).encode("latin-1") + b"\n"
    said = rng.choice((len(text), len(text), len(text), 0, 65535, len(text) // 2))
    return data[:8] + said.to_bytes(2, "little") + text + data[10 + length :]


def _json(data: bytes, rng: random.Random) -> bytes:
    """Change a value somewhere in it, take a key away, or wrap it deep."""
    try:
        value = json.loads(data.partition(b"\n")[0] if data.count(b"\n{") else data)
    except (ValueError, RecursionError):
        return _bytes(data, rng)
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        for key, below in part.items() if isinstance(part, dict) else enumerate(part):
            places.append((part, key))
            if isinstance(below, dict | list):
                walk(below)

    if isinstance(value, dict | list):
        walk(value)
    if not places:
        return _bytes(data, rng)
    part, key = rng.choice(places)
    choice = rng.random()
    if choice < 0.15:
        del part[key]
    elif choice < 0.25 and isinstance(part, list):
        part *= rng.choice((2, 10))
    elif choice < 0.3:
        return json.dumps(value).encode().replace(b":", b":" + b"[" * rng.choice((100, 5000)), 1)
    else:
        old = part[key]
        near = (old + 1, -old, old * 1000) if isinstance(old, int | float) else ()
        part[key] = rng.choice((*_VALUES, *near, [old], {"x": old}))
    return json.dumps(value).encode()


_AWARE: dict[str, Callable[[bytes, random.Random], bytes]] = {
    ".tif": _tiff,
    ".dng": _tiff,
    ".npy": _npy,
    ".json": _json,
    ".jsonl": _json,
    ".zarr.json": _json,
    ".scene.json": _json,
}
