"""Small good files of every kind that is read from strangers: what the fuzzer begins with."""

import functools
import io
import json
import tarfile
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from PIL import Image, ImageCms

from tests.readers import good_metadata

SIDE = 24


@functools.cache
def good_files(reader: str, suffix: str) -> tuple[bytes, ...]:
    """Return good files of a kind that a reader of `tests.readers` takes."""
    if reader in ("picture", "capture", "whole_tiff"):
        return tuple(_pictures(suffix))
    by_kind = {
        "manifest": _manifest,
        "criteria": lambda _: [_shipped("manifests.criteria", ".yaml")],
        "training_config": lambda _: [_shipped("manifests.training", ".yaml")],
        "build_config": lambda _: [b"short_side: 256\nevs: [-1, 0, 1]\nseed: 3\nmax_pixels: 1000000\n"],
        "weights": _weights,
        "checkpoint": _checkpoint,
        "label": _npy,
        "residual": _npy,
        "archive": _archive,
        "fivek_metadata": _fivek,
        "fetch_list": lambda _: [_list()],
        "array": lambda _: [good_metadata("array")],
        "scene": lambda _: [good_metadata("scene")],
        "store_head": lambda _: [b'{"format": "iea40k-store", "version": 1}'],
        "quarantine": lambda _: [b'{"scene_id": "a", "error": "E", "letter": "l", "recipe_digest": null}'],
        "release_head": lambda _: [_release_head()],
        "seals": lambda _: [_json({"ledger_id": "0" * 32, "cursor": 3, "root": "0" * 64, "time": "", "note": ""})],
        "outbox": lambda _: [_stroke()],
        "history": lambda _: [_json({"epoch": 1, "loss": 0.5})],
    }  # fmt: skip
    return tuple(by_kind[reader](suffix))


def _pictures(suffix: str) -> list[bytes]:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    if suffix in (".png", ".jpg"):
        found = []
        for picture in (Image.fromarray(rgb), Image.fromarray(rgb[..., 0])):
            out = io.BytesIO()
            exif = Image.Exif()
            exif[0x0112] = 6
            picture.save(out, "PNG" if suffix == ".png" else "JPEG", exif=exif)
            found.append(out.getvalue())
        return found
    if suffix == ".dng":
        from pipelines.dng import write_dng

        with tempfile.TemporaryDirectory() as folder:
            write_dng(Path(folder) / "a.dng", rgb.astype(np.float32) / 255)
            return [(Path(folder) / "a.dng").read_bytes()]
    forms = (
        {},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
    )
    return [_tiff(rgb.astype(np.uint16) * 257, form) for form in forms]


def _tiff(pixels: np.ndarray, form: dict) -> bytes:
    out = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tifffile.imwrite(out, pixels, photometric="rgb", iccprofile=profile, **form)
    return out.getvalue()


def _manifest(suffix: str) -> list[bytes]:
    rows = pd.DataFrame({"scene_id": ["a", "b"], "kind": ["raw", "bracket"], "exposures": ["a.dng", "b.jpg|c.jpg"],
                         "evs": ["", "-1|1"], "licence": ["CC0-1.0", ""]})  # fmt: skip
    if suffix == ".csv":
        return [rows.to_csv(index=False).encode()]
    out = io.BytesIO()
    rows.to_parquet(out)
    return [out.getvalue()]


def _weights(suffix: str) -> list[bytes]:
    import torch

    from iea40k.model.networks import build
    from iea40k.model.weights import save_weights

    network = build("p_ieanet_s", {"widths": [8], "depth": 1})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "w.safetensors"
        if suffix == ".pth":
            torch.save({"state_dict": {"a": torch.zeros(3)}}, file)
        else:
            save_weights(
                file, network, "p_ieanet_s", {"widths": [8], "depth": 1}, {"licence": "x", "trained_on": "y"}
            )
        return [file.read_bytes()]


def _checkpoint(suffix: str) -> list[bytes]:
    import torch

    from iea40k.model.training.checkpoint import Progress, save_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / "c.pt", {}, Progress(), {"a": torch.arange(5.0)})
        return [(Path(folder) / "c.pt").read_bytes()]


def _npy(suffix: str) -> list[bytes]:
    found = []
    for dtype in ("<f4", "|i1", ">i2"):
        out = io.BytesIO()
        np.save(out, np.arange(12).reshape(3, 4).astype(dtype))
        found.append(out.getvalue())
    return found


def _archive(suffix: str) -> list[bytes]:
    out = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
            pack.writestr("a/b.txt", b"some text " * 100)
            pack.writestr("a/c.txt", b"more")
        return [out.getvalue()]
    mode = {".tar": "w", ".tgz": "w:gz", ".txz": "w:xz", ".tbz": "w:bz2"}[suffix]
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name in ("a/b.txt", "a/c.txt"):
            info = tarfile.TarInfo(name)
            info.size = 1000
            tar.addfile(info, io.BytesIO(b"some text " * 100))
    return [out.getvalue()]


def _fivek(suffix: str) -> list[bytes]:
    if suffix == ".txt":
        return [b"a0001-jmac_DSC1459\na0002-dgw_005\n"]
    entry = {"location": "outdoor", "time": "day", "light": "sun_sky", "subject": "nature"}
    return [
        json.dumps(
            {"a0001-jmac_DSC1459": {"camera": {"make": "x", "model": "y"}, "categories": entry}}
        ).encode()
    ]


def _release_head() -> bytes:
    head = {"format": "iea40k-release", "format_version": 2, "name": "x", "version": "1.0.0", "scenes": 1, "images": 2,
            "frames": {"16x16": {"scenes": 1, "images": 2}}, "licences": {"MIT": 1}, "splits": {}, "seed": 0,
            "arrays": {"16x16": {"residual": {"shape": [2, 16, 16], "dtype": "int16", "zarr_json": "0" * 64}}},
            "sha256sums": "0" * 64, "root": "ROOT.sha256", "options": {}, "ledger": {}}  # fmt: skip
    return json.dumps(head).encode()


def _list() -> bytes:
    return (
        b"path,url,sha256,bytes,licence,author\na.jpg,https://example.org/a.jpg,"
        + b"0" * 64
        + b",9,CC0-1.0,x\n"
    )


def _stroke() -> bytes:
    import random

    from iea40k.store.ledger import MapKey, Outbox
    from tests.torture.annotators import stroke

    with tempfile.TemporaryDirectory() as folder:
        return Outbox(Path(folder)).put(stroke(MapKey("a", "P0", "Anna"), random.Random(1))).read_bytes()


def _shipped(package: str, suffix: str) -> bytes:
    return next(
        file for file in sorted(files(package).iterdir(), key=str) if file.name.endswith(suffix)
    ).read_bytes()


def _json(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
