"""ICC profiles made for tests, tag by tag, so that their truth is known."""

import struct
from collections.abc import Sequence

import numpy as np

D50 = (0.9642, 1.0, 0.8249)

# XYZ (D50) of the primaries, in columns, from the makers' published profiles.
PROPHOTO = ((0.79767, 0.13519, 0.03134), (0.28804, 0.71188, 0.00008), (0.0, 0.0, 0.82490))
ADOBE_RGB = ((0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457))
DISPLAY_P3 = ((0.51512, 0.29198, 0.15710), (0.24120, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407))
SRGB = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(v * 65536) for v in values))


def gamma_curve(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))


def table_curve(values: Sequence[float]) -> bytes:
    codes = np.rint(np.asarray(values) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(codes)) + codes.tobytes()


def parametric_curve(kind: int, *parameters: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*parameters)


def srgb_parametric() -> bytes:
    return parametric_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def matrix_profile(name: str, colourants: Sequence[Sequence[float]], curve: bytes) -> bytes:
    columns = np.array(colourants).T
    tags = {b"desc": text(name)}
    for letter, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[letter + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*column)
        tags[letter + b"TRC"] = curve
    return profile(tags)


def grey_profile(curve: bytes) -> bytes:
    return profile({b"desc": text("grey"), b"kTRC": curve}, space=b"GRAY")


def table_profile(gammas: Sequence[float], colourants: Sequence[Sequence[float]]) -> bytes:
    """Return a profile of tables (A2B0): a gamma a channel, then a colour cube to XYZ, no curves or matrix."""
    body = b"mft2\0\0\0\0" + struct.pack(">BBBx", 3, 3, 2) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    body += struct.pack(">HH", 1024, 2)
    for exponent in gammas:
        body += np.rint(np.linspace(0, 1, 1024) ** exponent * 65535).astype(">u2").tobytes()
    corners = [np.array(colourants) @ [r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]
    body += np.rint(np.clip(corners, 0, 1.9999) * 32768).astype(">u2").tobytes()
    body += np.array([0, 65535] * 3, ">u2").tobytes()
    return profile({b"desc": text("tables"), b"A2B0": body})


def text(name: str) -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + b"\0" + bytes(78)


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ") -> bytes:
    tags = {**tags, b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50), b"cprt": b"text\0\0\0\0test\0"}
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for signature, body in tags.items():
        table += signature + struct.pack(">II", start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = bytearray(128)
    head[0:4] = struct.pack(">I", start + len(data))
    head[8:12], head[12:16], head[16:20], head[20:24] = b"\x02\x40\0\0", b"mntr", space, b"XYZ "
    head[36:40], head[68:80] = b"acsp", fixed(*D50)
    return bytes(head) + table + data


def ink_profile(solids: Sequence[Sequence[float]]) -> bytes:
    """Return a CMYK profile: Lab of the 16 solid overprints (C slowest, K fastest), linear in between; paper first."""
    body = b"mft2\0\0\0\0" + struct.pack(">BBBx", 4, 3, 2) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    body += struct.pack(">HH", 2, 2) + np.array([0, 65535] * 4, ">u2").tobytes()
    lab = np.asarray(solids, np.float64)
    codes = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=1)
    body += np.rint(codes).clip(0, 65535).astype(">u2").tobytes()
    body += np.array([0, 65535] * 3, ">u2").tobytes()
    data = bytearray(profile({b"desc": text("press"), b"A2B0": body}, space=b"CMYK"))
    data[12:16], data[20:24] = b"prtr", b"Lab "
    return bytes(data)
