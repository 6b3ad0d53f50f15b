"""Do edges agree after alignment and fusion? Ours against `align_image_stack` and `enfuse`, on real brackets.

Each way aligns the same frames and fuses what it aligned. An aligned frame agrees with the fused picture as far as
their gradients point the same way: the correlation of gradient fields, each divided by its local strength, where the
frame is well exposed. A frame beside its place lowers it, and so does a ghost in the fusion. A third way, our alignment
and their fusion, tells the two apart. Nothing was tuned here.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bench_references import enfuse
from benchmarks.harness import Figure
from iea40k.alignment import align
from iea40k.brackets.evs import stated_evs
from iea40k.brackets.response import estimate_evs, fit_known
from iea40k.capture import read_capture
from iea40k.develop import load_encoded
from iea40k.errors import IEAError
from iea40k.fusion import MIDDLE_OF_BRACKET, Curve, fuse
from iea40k.residuals import luma

TITLE = "Edges after alignment and fusion: ours, align_image_stack and enfuse"

Frames = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]

_SIDE = 384
_PICTURES = (".jpg", ".jpeg", ".png")
_WELL = (0.08, 0.92)
_LOCAL, _FAINT = 6.0, 0.004
_MARGIN = 0.08
"""Share of each side that is not looked at: ways differ in what they do at borders."""


def run() -> list[Figure]:
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder or not shutil.which("align_image_stack") or not shutil.which("enfuse"):
        raise SystemExit(
            "set IEA40K_REAL_DATA to the folder of real photographs; install hugin-tools and enfuse"
        )
    rows: dict[str, tuple[float, float, float]] = {}
    unread = []
    for place in [*sorted((Path(folder) / "brackets").iterdir()), *sorted((Path(folder) / "empa").iterdir())]:
        files = [p for p in sorted(place.iterdir()) if p.suffix.lower() in _PICTURES]
        try:
            frames = [load_encoded(file, short_side=_SIDE)[0] for file in files]
            ours = _ours(files, frames)
        except IEAError:
            unread.append(place.name)
            continue
        theirs = _theirs(frames)
        if theirs is None:
            unread.append(place.name)
            continue
        mixed = enfuse(np.stack(ours[1]))
        rows[place.name] = (_agreement(*ours), _agreement(*theirs), _agreement(mixed, *ours[1:]))
        print(f"{place.name:28} " + "  ".join(f"{value:.3f}" for value in rows[place.name]), flush=True)
    table = np.array(list(rows.values()))
    worse = {name: values for name, values in rows.items() if values[0] < values[1]}
    aligned_worse = {name: values for name, values in rows.items() if values[2] < values[1]}
    return [
        Figure(
            "edge agreement, mean over brackets",
            float(table[:, 0].mean()),
            "",
            f"align_image_stack + enfuse {table[:, 1].mean():.3f}",
            note=f"{len(rows)} brackets; one of the two ways made nothing of: {', '.join(unread) or 'none'}",
        ),
        Figure(
            "brackets where ours agrees less",
            len(worse),
            "brackets",
            f"of {len(rows)}",
            "0",
            not worse,
            _said(worse, 0),
        ),
        Figure(
            "brackets where our alignment, fused by enfuse, agrees less",
            len(aligned_worse),
            "brackets",
            f"of {len(rows)}; mean {table[:, 2].mean():.3f}",
            "0",
            not aligned_worse,
            _said(aligned_worse, 2),
        ),
    ]


def _said(rows: dict[str, tuple[float, float, float]], way: int) -> str:
    return ", ".join(f"{name} {values[way]:.3f} against {values[1]:.3f}" for name, values in rows.items())


def _ours(files: list[Path], frames: list[Frames]) -> tuple[Frames, list[Frames], list[NDArray[np.bool_]]]:
    captures = [read_capture(file) for file in files]
    stated = stated_evs(captures, None)
    found = align(frames, [file.name for file in files], anchor=stated.as_shot if stated else None)
    evs = (
        tuple(stated.evs[i] for i in found.kept)
        if stated is not None
        else estimate_evs(found.frames, found.validity)[0]
    )
    response, _ = fit_known(found.frames, found.validity, evs)
    curve = Curve(response.log_light())
    fused = fuse(found.frames, found.validity, evs=evs, curve=curve, as_shot=MIDDLE_OF_BRACKET)
    return fused.reference, list(found.frames), list(found.validity)


def _theirs(frames: list[Frames]) -> tuple[Frames, list[Frames], list[NDArray[np.bool_]]] | None:
    """Return what the two programs make of frames: fused, aligned, and where they have data; None for nothing.

    The middle frame is the first, on which `align_image_stack` lays the others.
    """
    middle = len(frames) // 2
    order = [middle, *(i for i in range(len(frames)) if i != middle)]
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for index in order:
            names.append(str(Path(folder) / f"in{index:02d}.png"))
            Image.fromarray(frames[index]).save(names[-1])
        prefix = str(Path(folder) / "out_")
        command = ["align_image_stack", "-a", prefix, "-m", "-i", "-x", "-y", "-z", *names]
        subprocess.run(command, capture_output=True, check=False, timeout=600)
        aligned, valid = [], []
        for file in sorted(Path(folder).glob("out_*.tif")):
            with Image.open(file) as picture:
                rgba = np.array(picture.convert("RGBA"))
            aligned.append(np.ascontiguousarray(rgba[..., :3]))
            valid.append(rgba[..., 3] == 255)
    if len(aligned) < 2:
        return None
    return enfuse(np.stack(aligned)), aligned, valid


def _agreement(fused: Frames, frames: list[Frames], valid: list[NDArray[np.bool_]]) -> float:
    """Return the mean over frames of how far gradients of the fused picture and of the frame point the same way."""
    target = _gradients(luma(fused))
    height, width = fused.shape[:2]
    inner = np.zeros((height, width), np.bool_)
    top, left = round(_MARGIN * height), round(_MARGIN * width)
    inner[top:-top, left:-left] = True
    found = []
    for frame, known in zip(frames, valid, strict=True):
        light = luma(frame)
        well = inner & known & (light > _WELL[0]) & (light < _WELL[1])
        if well.mean() < 0.01:
            continue
        own = _gradients(light)
        one, other = own[:, well], target[:, well]
        scale = np.sqrt(float((one * one).sum()) * float((other * other).sum()))
        found.append(float((one * other).sum()) / max(scale, 1e-9))
    return float(np.mean(found))


def _gradients(picture: Floats) -> Floats:
    """Return x and y slopes (2, H, W) of a luma picture over their local root mean square."""
    smooth = cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), 0.8)
    slopes = np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])
    strength = np.sqrt(cv2.GaussianBlur((slopes * slopes).sum(axis=0), (0, 0), _LOCAL))
    return np.asarray(slopes / np.maximum(strength, 8 * _FAINT), np.float32)
