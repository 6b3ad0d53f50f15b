"""`python -m benchmarks.heatmaps`: docs/images/heatmaps.png, twelve photographs that no shipped weights have learnt.

Each row: the photograph as shown, the true residual, what the released network says of it, what `curve_net` says.
Photographs of the validation part of manifests/photographs/public.csv; half are rungs of the ladder, half as a
converter or a camera might show them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bench_learning import LIST, RENDER, Finished
from iea40k.arrays import EncodedRGB, Residual
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.develop import load_encoded
from iea40k.model.data.dataset import captures_of
from iea40k.model.data.rendering import Rendering
from iea40k.model.evaluate import network_predictor
from iea40k.model.weights import load_weights
from iea40k.render import heatmap
from iea40k.residuals import luma

OUT = Path(__file__).parent.parent / "docs" / "images" / "heatmaps.png"
EVS = (-4.0, -2.0, 0.0, 1.0, 2.0, 4.0)
COUNT = 12
WIDTH, GAP = 132, 4


def main() -> None:
    real = Path(os.environ.get("IEA40K_REAL_DATA", ""))
    if not real.name:
        raise SystemExit("set IEA40K_REAL_DATA to the folder of real photographs")
    torch.set_num_threads(1)
    networks = [
        network_predictor(load_weights(weights))
        for weights in (real / "official" / "wavelet_epoch_2.pth", "curve_net")
    ]
    rows = []
    for path, how, image, label in shown(real):
        maps = [label, *(predict(image) for predict in networks)]
        errors = " ".join(f"{np.abs(found - label).mean():.3f}" for found in maps[1:])
        print(f"| `{path}` | {how} | {errors.replace(' ', ' | ')} |", flush=True)
        rows.append(_row([image, *(heatmap(found) for found in maps)]))
    half = COUNT // 2
    columns = [np.concatenate(rows[start : start + half]) for start in (0, half)]
    sheet = np.concatenate([columns[0], np.full_like(columns[0][:, : 4 * GAP], 255), columns[1]], axis=1)
    Image.fromarray(sheet).convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(OUT, optimize=True)
    print(OUT, OUT.stat().st_size)


def shown(real: Path) -> Iterator[tuple[str, str, EncodedRGB, Residual]]:
    """Yield path, how it is shown, the picture and its residual."""
    table = pd.read_csv(LIST)
    paths = sorted(table[table["split_photographs"] == "valid"]["path"])
    chosen = [paths[k] for k in np.linspace(0, len(paths) - 1, COUNT).astype(int)]
    for number, path in enumerate(chosen):
        reference = load_encoded(real / "photographs" / path, short_side=256)[0]
        if number % 2 == 0:
            ev = EVS[number // 2]
            image = encode_srgb(decode_srgb(reference) * np.float32(2.0**ev))
            how = f"{ev:+.0f} EV"
        else:
            finished = Finished({path: reference})
            kind = number // 2 % 2
            image = captures_of(finished.read(0), finished.samples[0], Rendering(**RENDER), 2)[kind].image
            how = ("dull, as a converter shows it", "a capture of chance")[kind]
        yield path, how, image, luma(reference) - luma(image)


def _row(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    height = WIDTH * 2 // 3
    cells = []
    for picture in pictures:
        share = min(WIDTH / picture.shape[1], height / picture.shape[0])
        size = (round(picture.shape[1] * share), round(picture.shape[0] * share))
        cell = np.full((height + GAP, WIDTH + GAP, 3), 255, np.uint8)
        cell[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        cells.append(cell)
    return np.concatenate(cells, axis=1)


if __name__ == "__main__":
    main()
