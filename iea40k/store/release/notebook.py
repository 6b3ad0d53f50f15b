"""How a release and an image look in a notebook: a few facts and small pictures, as HTML that needs nothing else."""

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np

from iea40k.arrays import EncodedRGB
from iea40k.errors import IEAError
from iea40k.escaping import html_text
from iea40k.render import heatmap

if TYPE_CHECKING:
    from iea40k.store.release.image import ReleaseImage
    from iea40k.store.release.reading import Release

SCENES = 6  # of a release that are shown
_WIDTH = 128
_SCALE = "Residual: blue = underexposed, white = 0, red = overexposed; the scale is −1 … +1."


def release_html(release: "Release") -> str:
    """Return a release as HTML: name, counts, splits, licences, and an image with its residual of some scenes."""
    head = release.head
    splits = head.get("splits", {})
    facts = {
        "folder" if release.origin is None else "address": release.where,
        "holds": f"{head.get('images', '?')} images of {head.get('scenes', '?')} scenes",
        "split schemes": ", ".join(map(str, splits)),
        "licences": ", ".join(f"{name} ({count} scenes)" for name, count in head.get("licences", {}).items()),
    }
    try:
        figures = "".join(_figures(image) for image in _one_a_scene(release))
    except IEAError as error:  # a damaged release still says what it is
        figures = f"<pre>{html_text(str(error))}</pre>"
    title = f"{head.get('name', 'release')} {release.version}"
    return _page(title, facts, figures)


def image_html(image: "ReleaseImage") -> str:
    """Return an image as HTML: exposure, reference and residual side by side, and what is known of it."""
    facts = {
        "scene, level": f"{image.scene}, {image.level} ({image.ev:+g} EV)",
        "size": f"{image.shape[1]} x {image.shape[0]} pixels",
        "licence": image.licence,
    }
    pictures = {"exposure": image.exposure, "reference": image.reference, "residual": heatmap(image.codes)}
    figures = "".join(_figure(name, picture, 2 * _WIDTH) for name, picture in pictures.items())
    return _page(image.image_id, facts, figures)


def _one_a_scene(release: "Release") -> Iterable["ReleaseImage"]:
    """Return the image of middle exposure of some scenes, spread over the table."""
    scenes = release.scenes["scene_id"]
    chosen = scenes.iloc[np.unique(np.linspace(0, len(scenes) - 1, SCENES).round().astype(int))]
    rows = release.images[release.images["scene_id"].isin(chosen)]
    nearest = rows["ev"].abs().groupby(rows["scene_id"]).idxmin()
    return [release[int(row)] for row in sorted(nearest)]


def _figures(image: "ReleaseImage") -> str:
    pair = np.vstack([_small(image.exposure, _WIDTH), _small(heatmap(image.codes), _WIDTH)])
    return _figure(image.image_id, pair, _WIDTH)


def _page(title: str, facts: Mapping[str, str], figures: str) -> str:
    rows = "".join(
        f"<tr><th style='text-align:left'>{html_text(name)}</th><td style='text-align:left'>{html_text(fact)}</td></tr>"
        for name, fact in facts.items()
    )
    return (
        f"<div><b>{html_text(title)}</b><table>{rows}</table>"
        f"<div style='display:flex;flex-wrap:wrap;gap:8px'>{figures}</div><small>{_SCALE}</small></div>"
    )


def _figure(caption: str, picture: EncodedRGB, width: int) -> str:
    small = cv2.cvtColor(_small(picture, width), cv2.COLOR_RGB2BGR)
    _, png = cv2.imencode(".png", small)
    data = base64.b64encode(png.tobytes()).decode()
    text = html_text(caption)
    return (
        f"<figure style='margin:0'><img alt='{text}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{text}</figcaption></figure>"
    )


def _small(picture: EncodedRGB, width: int) -> EncodedRGB:
    """Shrink to `width`, never enlarge. Maps are coloured at full size first, so that speckles fade."""
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    small: EncodedRGB = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return small
