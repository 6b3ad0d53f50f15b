"""Practice: photographs that scikit-image ships, with planted faults, in a folder that goes when the session ends."""

import shutil
import tempfile
from pathlib import Path
from typing import Self

import numpy as np

from annotator.residual.state import Image
from annotator.sample import PHOTOGRAPHS, Practice, photograph, practice_scene
from annotator.session.base import Work
from annotator.session.practice_score import score_of
from annotator.session.session import Session
from annotator.session.upload import Saving
from annotator.shared.language import tr
from annotator.shared.progress import Progress, silent
from iea40k.errors import LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.queue import Verdict

EVS = (-2.0, -1.0, 0.0, 1.0, 2.0)


class PracticeSession(Session):
    """A session at planted faults. What is handed in is scored; nothing of it leaves the scratch folder."""

    _planted: dict[str, Practice]
    _scratch: Path

    @classmethod
    def begin(cls, annotator: str, *, seed: int | None = None, progress: Progress = silent) -> Self:
        """Plant faults into every photograph and open the first. `seed`: the same one gives the same faults."""
        chance = np.random.default_rng(seed)
        scratch = Path(tempfile.mkdtemp(prefix="iea40k-practice-"))
        try:
            store, planted = Store.create(scratch / "store"), {}
            requests = []
            with progress(tr("Planting faults"), len(PHOTOGRAPHS)) as step:
                for rank, name in enumerate(PHOTOGRAPHS):
                    scene_id, number = f"practice_{name}", int(chance.integers(1 << 31))
                    made = practice_scene(photograph(name), scene_id, evs=EVS, seed=number, label_faults=True)
                    store.write_scene(made.scene)
                    planted[scene_id] = made
                    level = str(chance.choice(["N1", "P0", "P1"]))
                    requests.append(TaskRequest(scene_id, level, len(PHOTOGRAPHS) - rank))
                    step()
            with Ledger.open(store.path, create=True) as ledger:
                add_tasks(ledger, requests, "practice")
            session = cls.open(store.path, annotator, folders=scratch / "desks")
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        session._planted, session._scratch = planted, scratch
        return session

    def submit(self, verdict: Verdict = "corrected", comment: str = "") -> Work | None:
        """Hand the image in, say how well it was repaired, and open the next."""
        work = self.work
        found = None
        if isinstance(work, Image):
            made = self._planted[work.key.scene_id]
            at = made.scene.levels.index(work.level)
            title = f"{work.key.scene_id} {work.level}"
            found = score_of(title, work.base, work.codes, made.truth[at], made.faults)
        following = super().submit(verdict, comment)
        if found is not None:
            self.scored(found)
        return following

    def flag(self, comment: str) -> None:
        """Refuse: no curator reads it."""
        raise LedgerError("this is practice: no curator reads what you say", got=comment)

    def close(self) -> Saving:
        """End the session, and remove all that it wrote."""
        saving = super().close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return saving
