"""Contact sheets of a store, as PNG files: a few scenes a sheet, so that memory stays bounded."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from iea40k.contact_sheet import contact_sheet
from iea40k.files import AnyPath, write_file_with
from iea40k.render import Palette
from iea40k.store.each import Each
from iea40k.store.layout import Store
from pipelines.left_out import left_out_of, shown

PALETTE: tuple[Palette, ...] = ("blue-white-red",)


def write_contact_sheets(
    store: Store,
    folder: AnyPath,
    *,
    scene_ids: Sequence[str] | None = None,
    per_sheet: int = 6,
    palettes: Sequence[Palette] = PALETTE,
    progress: Callable[[int, int], None] = lambda *_: None,
    each: Each = map,
) -> list[Path]:
    """Write sheets `sheet-001.png`, ... of a store's scenes, or of some, into `folder`; return their paths.

    `each` spreads the sheets over processes.
    """
    chosen = list(store.scene_ids() if scene_ids is None else scene_ids)
    parts = [chosen[start : start + per_sheet] for start in range(0, len(chosen), per_sheet)]
    sheets = [(part, Path(folder) / f"sheet-{number:03d}.png") for number, part in enumerate(parts, 1)]
    done = 0
    for (part, _), _ in zip(sheets, each(partial(_write_sheet, store, tuple(palettes)), sheets), strict=True):
        done += len(part)
        progress(done, len(chosen))
    return [file for _, file in sheets]


def _write_sheet(store: Store, palettes: Sequence[Palette], sheet: tuple[Sequence[str], Path]) -> None:
    scene_ids, file = sheet
    scenes = [store.read_scene(scene_id) for scene_id in scene_ids]
    left_out = {
        scene.scene_id: [
            (f"{frame.name}: {frame.reason}", shown(frame.picture))
            for frame in left_out_of(scene.scene_id, scene.attributes)
        ]
        for scene in scenes
    }
    write_png(contact_sheet(scenes, palettes=palettes, left_out=left_out), file)


def write_png(picture: object, file: AnyPath) -> None:
    """Write an (H, W, 3) uint8 picture as PNG, whole or not at all."""
    file = Path(file)
    image = Image.fromarray(picture)  # type: ignore[arg-type]
    # The best compression takes ten times as long and saves 7 %.
    write_file_with(file, lambda path: image.save(path, "PNG", compress_level=3))
