"""The layers filled with an exposure: the pictures, the residual over it, the outlines of what is suggested."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotator.residual.preview import re_exposed
from annotator.residual.regions import CLIPPED
from annotator.residual.state import Image
from annotator.shared.boxes import Box, grown, inside
from annotator.shared.display import Canvas, Picture, code_difference, display_levels, outlined
from annotator.shared.language import tr
from annotator.shared.layers import Layers
from annotator.shared.progress import Progress
from annotator.shared.screen import KIND_LABELS, Screen
from iea40k.arrays import EncodedRGB, OutlierFlags, ResidualCodes
from iea40k.outliers import Outlier
from iea40k.outliers.proposals import Proposal

BAND = 1 << 21
"""Pixels of a big picture that are re-exposed at a time."""


class ResidualLayers(Layers[Image, ResidualCodes]):
    """Shows one image. `judged` are somebody's codes instead of the image's own, `beside` those on the right."""

    live = "preview"

    def __init__(self, screen: Screen, progress: Progress) -> None:
        super().__init__(screen)
        self._progress = progress
        self._preview: EncodedRGB | None = None
        self._tried: ResidualCodes | None = None
        self._outlined: list[Proposal] = []
        self._tried_in: list[Box] = []

    def open(self, work: Image, judged: ResidualCodes | None, beside: ResidualCodes | None) -> None:
        """Show an image or level, or two people's maps of it."""
        self.two_maps = beside is not None
        self._tried, self._outlined, self._tried_in = None, [], []
        super().open(work, judged, beside)

    def close(self) -> None:
        """Nothing is open."""
        super().close()
        self._preview = None

    def begin(self, shape: tuple[int, int]) -> None:
        """Another image is open: nothing that the screen shows is right."""
        self._preview = None
        super().begin(shape)

    @property
    def codes(self) -> ResidualCodes:
        """The codes that are shown on the left."""
        if self._tried is not None:
            return self._tried
        return self.work.codes if self.judged is None else self.judged

    def picture(self, name: Picture) -> EncodedRGB:
        """Return a picture; the preview is made when it is first wanted."""
        if name == "preview":
            if self._preview is None:
                self._preview = self._re_exposed()
            return self._preview
        return self.work.reference if name == "reference" else self.work.exposure

    def live_part(self, box: Box) -> EncodedRGB:
        """Return the preview in a box, after a stroke there."""
        part = re_exposed(self.work.exposure[box], self.codes[box])
        if self._preview is not None:
            self._preview[box] = part
        return part

    def out_of_sight(self) -> None:
        """The preview changed while it was not shown: it is made anew when it is next wanted."""
        self._preview = None

    def residual(self, box: Box, *, right: bool) -> NDArray[np.uint16]:
        """Return the residual in a box as labels."""
        if self._difference and self.beside is not None:
            return display_levels(code_difference(self.codes[box], self.beside[box]))
        codes = self.beside if right and self.beside is not None else self.codes
        return display_levels(codes[box])

    def flags(self, box: Box, canvas: Canvas) -> NDArray[np.uint8]:
        """Return the outlines of what is proposed, and of blown and crushed regions."""
        wide = grown(box, 2, self.shape)
        labels = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), np.uint8)
        if canvas.clipping:
            labels = flag_labels(self.work.flags[wide] & np.uint8(int(CLIPPED)))
        if canvas.outlines:
            for proposal in reversed(self._outlined):
                draw_proposal(labels, wide, proposal)
        return outlined(labels)[inside(box, wide)]

    def outline(self, proposals: Sequence[Proposal]) -> None:
        """Outline these proposals and no others."""
        before, self._outlined = self._outlined, list(proposals)
        canvas = self._canvas
        if canvas is None or not canvas.outlines:
            return
        for proposal in {id(p): p for p in (*before, *proposals)}.values():
            box = grown(proposal.box, 1, self.shape)
            self._screen.draw("flags", box, self.flags(box, canvas))

    def try_codes(self, codes: ResidualCodes | None, boxes: Sequence[Box] = ()) -> None:
        """Show other codes (H, W), which differ in `boxes` only, instead of the image's own; None: its own again."""
        if codes is None and self._tried is None:
            return
        self._tried, before, self._tried_in = codes, self._tried_in, list(boxes)
        for box in (*before, *boxes):
            self.changed(box)

    def try_beside(self, box: Box, codes: ResidualCodes) -> None:
        """Show a box as it would be with `codes` (h, w), to the right of how it is."""
        canvas = self._canvas
        if canvas is None:
            return
        shown = (
            re_exposed(self.work.exposure[box], codes)
            if canvas.left == "preview"
            else self.picture(canvas.left)[box]
        )
        labels = display_levels(codes) if canvas.overlay else np.zeros(codes.shape, np.uint16)
        self._screen.trial(box, shown, labels)

    def _re_exposed(self) -> EncodedRGB:
        exposure, codes = self.work.exposure, self.codes
        preview = np.empty_like(exposure)
        bands = range(0, exposure.shape[0], max(1, BAND // exposure.shape[1]))
        with self._progress(tr("Re-exposing the picture"), len(bands)) as step:
            for top in bands:
                band = slice(top, top + bands.step)
                preview[band] = re_exposed(exposure[band], codes[band])
                step()
        return preview


def draw_proposal(labels: NDArray[np.uint8], box: Box, proposal: Proposal) -> None:
    """Draw a proposal's pixels into the labels of a box, in place, where it reaches into it."""
    rows, columns = (
        slice(max(b.start, p.start), min(b.stop, p.stop)) for b, p in zip(box, proposal.box, strict=True)
    )
    if rows.start < rows.stop and columns.start < columns.stop:
        part = proposal.mask[inside((rows, columns), proposal.box)]
        labels[inside((rows, columns), box)][part] = KIND_LABELS[proposal.kind]


def flag_labels(flags: OutlierFlags) -> NDArray[np.uint8]:
    """Return the number (1, 2 ... in the order of bits) of the highest flag at each pixel, 0 where is none."""
    labels = np.zeros(flags.shape, np.uint8)
    for number, bit in enumerate(Outlier, start=1):
        labels[(flags & int(bit)) != 0] = number
    return labels
