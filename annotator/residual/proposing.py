"""Proposals in the window: looked at one by one, or all of a kind at once, and taken or refused by a key each."""

from collections.abc import Callable

from annotator.residual.layers import ResidualLayers
from annotator.residual.saying import said
from annotator.residual.state import Image
from annotator.residual.suggestions import Batch, Suggestions, patch_in, refused_tool, seen_with, taken_tool
from annotator.shared.boxes import Spot
from annotator.shared.language import tr
from annotator.target import Host
from iea40k.arrays import validity_from_codes
from iea40k.outliers.proposals import Proposal
from iea40k.store.ledger import Patch

Record = Callable[[Image, Patch, dict[str, object]], None]


class Proposing:
    """The proposals of what is shown. `said` is a line about the one that is looked at, "" where none is.

    `paintable` returns the image where it may be changed; `record` records a fill on it.
    """

    def __init__(
        self, host: Host, layers: ResidualLayers, paintable: Callable[[], Image | None], record: Record
    ) -> None:
        self.said = ""
        self._host, self._layers = host, layers
        self._paintable, self._record = paintable, record
        self._of: Suggestions | None = None
        self._batch: Batch | None = None
        self._outlined = False

    # ------------------------------------------------------------ coming and going

    def open(self, image: Image | None) -> None:
        """Another image or level is shown."""
        self.drop()
        self._of = None if image is None else Suggestions(image)
        # What was not read ahead is looked for when it is asked for: a picture must not wait for it.
        self._outlined = self._of is not None and "findings" in vars(self._of.image)
        found = self._of.open() if self._of is not None and self._outlined else []
        self._layers.outline(found)

    def drop(self) -> bool:
        """Look at none any more, and show nothing that is not so; return whether there was something."""
        of = self._of
        if of is None or not self._leave(of):
            return False
        self._host.screen.end_trial()
        self._layers.outline(of.open())
        return True

    def found(self) -> bool:
        """Outline what was found since the image opened, once; return whether anything is proposed on it."""
        if self._of is None or "findings" not in vars(self._of.image):
            return False
        if not self._outlined:
            self._outlined = True
            self.renew()
        return bool(self._of.findings.proposals)

    def renew(self) -> None:
        """What stands on the image changed: outline what is open now."""
        of = self._of
        if of is not None and "findings" in vars(of.image) and self._batch is None and of.at is None:
            self._layers.outline(of.open())

    # ------------------------------------------------------------ one by one

    def jump(self, step: int) -> None:
        """Look at the next proposal, or the one before: it fills a third of the canvas, before and after."""
        of = self._of
        if of is None:
            return
        at = of.at
        self._leave(of)
        of.at = at
        found = of.step(step)
        if found is not None:
            self._look(of, found)
            return
        self._host.tell(
            "info", tr("Nothing is proposed on this image.") if at is None else tr("That was the last.")
        )
        self._none_left(of)

    def take(self, spot: Spot | None) -> None:
        """Repair the proposal that is looked at and go on to the next; else repair that at a pixel."""
        image, of = self._paintable(), self._of
        found = self._meant(spot)
        if image is None or of is None or found is None:
            return
        done = of.repair(found)
        if isinstance(done, str):
            self._host.tell("info", tr("Not repaired: {why}.", why=said(done)))
            return
        patch = patch_in(found.box, image.codes, done.after, done.touched)
        if patch is not None:
            self._settled(image, patch, taken_tool(found))

    def refuse(self, spot: Spot | None) -> None:
        """Say that the label is right as it is there; it is not proposed again."""
        image, found = self._paintable(), self._meant(spot)
        if image is None or found is None:
            return
        now = image.codes[found.box]
        patch = patch_in(found.box, image.codes, now, found.mask & validity_from_codes(now))
        if patch is not None:
            self._settled(image, patch, refused_tool(found))

    # ------------------------------------------------------------ all of a kind

    def preview_kind(self) -> None:
        """Show all of one kind as if they were repaired; again: of the next kind."""
        image, of = self._paintable(), self._of
        if image is None or of is None:
            return
        kinds = of.kinds()
        at = 0
        if self._batch is not None and self._batch.kind in kinds:
            at = kinds.index(self._batch.kind) + 1
        elif of.at is not None and of.at.kind in kinds:
            at = kinds.index(of.at.kind)
        self.drop()
        tried = (of.batch(kinds[(at + n) % len(kinds)]) for n in range(len(kinds)))
        batch = self._batch = next((b for b in tried if b.repairs), None)
        if batch is None:
            nothing = tr(
                "Nothing that is proposed is sure enough to be done all at once; J shows one by one."
            )
            self._host.tell("info", nothing if kinds else tr("Nothing is proposed on this image."))
            self._host.refresh()
            return
        self.said = batch.said()
        self._layers.outline([r.proposal for r in batch.repairs])
        self._layers.try_codes(batch.done(image.codes), [r.proposal.box for r in batch.repairs])
        self._host.refresh()
        # All of them are to be seen, wherever the view was.
        self._host.screen.fit()

    def do_it(self) -> None:
        """Do what the preview shows, as one step."""
        image, batch = self._paintable(), self._batch
        if image is None or batch is None:
            return
        patch = batch.patch(image.codes)
        if patch is None:
            self.drop()
            self._host.refresh()
            return
        self._settled(image, patch, taken_tool(batch.repairs[0].proposal, all_of_kind=True))

    # ------------------------------------------------------------ private

    def _meant(self, spot: Spot | None) -> Proposal | None:
        of = self._of
        if of is None:
            return None
        found = of.at if of.at in of.open() else of.near(spot) if spot is not None else None
        if found is None:
            self._host.tell("info", tr("Nothing is proposed here. J goes to what is."))
        return found

    def _leave(self, of: Suggestions) -> bool:
        """Look at none any more; the trial and the outlines stay, for those of the next. Return whether one was."""
        if of.at is None and self._batch is None:
            return False
        of.at, self._batch, self.said = None, None, ""
        self._layers.try_codes(None)
        return True

    def _none_left(self, of: Suggestions) -> None:
        self._host.screen.end_trial()
        self._layers.outline(of.open())
        self._host.refresh()

    def _settled(self, image: Image, patch: Patch, tool: dict[str, object]) -> None:
        of = self._of
        if of is None:
            return
        at = of.at
        self._leave(of)
        of.at = at
        strokes = len(image.strokes)
        self._record(image, patch, tool)
        if of is not self._of:  # the image was opened anew
            return
        if at is not None and len(image.strokes) == strokes:
            # Nothing took it, and the person was told why: they look at the same region still.
            self._look(of, at)
            return
        found = None if at is None else of.step(1)
        if found is not None and found is not at:
            self._look(of, found)
        else:
            of.at = at
            self._none_left(of)

    def _look(self, of: Suggestions, found: Proposal) -> None:
        host, layers, image = self._host, self._layers, of.image
        rows, columns = found.box
        host.cursor = ((rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2)
        layers.outline([found])
        done = of.repair(found)
        box = seen_with(found, image.shape)
        reason = said(found.reason)
        about = f"{of.place()}: {tr(found.kind.words)}. {reason[:1].upper()}{reason[1:]}."
        if isinstance(done, str):
            host.screen.end_trial()
            host.screen.focus(found.box, box)
            nothing = tr("No repair: {why}.", why=said(done))
            host.screen.trial_words(box, nothing)
            self.said = f"{about} {nothing} " + tr("Shift+U: it is right as it is.")
        else:
            after = image.codes[box].copy()
            top, left = rows.start - box[0].start, columns.start - box[1].start
            height, width = found.mask.shape
            part = after[top : top + height, left : left + width]
            part[done.touched] = done.after[done.touched]
            host.screen.focus(found.box, box)
            layers.try_beside(box, after)
            does = tr("On the right as repaired: {repair}.", repair=tr(found.kind.repair))
            self.said = f"{about} {does} " + tr("U takes it, Shift+U: it is right as it is.")
        host.refresh()
