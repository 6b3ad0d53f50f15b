from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iea40k.errors import ArrayError, CorruptDataError, StaleBaseError
from iea40k.store.digests import array_digest
from iea40k.store.ledger import (
    Correction,
    CorrectionDraft,
    ZoneDraft,
    ZoneEdit,
    history,
    replay,
    replay_codes,
)
from tests.iea40k.store.ledger.conftest import MAP, a_base, a_stroke


def recorded(draft: CorrectionDraft, number: int) -> Correction:
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return Correction(**fields, entry=number, seq=number, token=None, server_time=0, previous="", hash="")


def undo_of(target: str) -> CorrectionDraft:
    return CorrectionDraft(
        map_key=MAP, image_shape=(24, 32), base_digest="0" * 64, kind="undo", undoes=target
    )


@given(st.lists(st.sampled_from(["stroke", "undo", "redo", "clear"]), max_size=25))
@settings(max_examples=60, deadline=None)
def test_replay_equals_the_states_that_were_seen(actions: list[str]) -> None:
    """Against a plain model: a list of pictures and a pointer into it."""
    base = a_base()
    seen, at = [base], 0
    log: list[Correction] = []
    for number, action in enumerate(actions, 1):
        past = history(log)
        if action == "undo":
            assert (past.undo is None) == (at == 0)
            if past.undo is not None:
                log.append(recorded(undo_of(past.undo), number))
                at -= 1
        elif action == "redo":
            assert (past.redo is None) == (at == len(seen) - 1)
            if past.redo is not None:
                log.append(recorded(undo_of(past.redo), number))
                at += 1
        elif action == "clear":
            draft = CorrectionDraft(
                map_key=MAP, image_shape=base.shape, base_digest=array_digest(base), kind="clear"
            )
            log.append(recorded(draft, number))
            seen, at = [*seen[: at + 1], base], at + 1
        else:
            draft, after = a_stroke(seen[at], number, base=base)
            log.append(recorded(draft, number))
            seen, at = [*seen[: at + 1], after], at + 1
        assert np.array_equal(replay_codes(base, log), seen[at])


def test_nothing_replayed_is_the_base_and_a_copy() -> None:
    base = a_base()
    codes = replay_codes(base, [])
    assert np.array_equal(codes, base)
    assert not np.shares_memory(codes, base)


def test_touched_pixels_are_told_even_where_the_code_stayed() -> None:
    base = a_base()
    draft, _ = a_stroke(base, 1)
    assert draft.patch is not None
    replayed = replay(base, [recorded(draft, 1)])
    assert int(replayed.touched.sum()) == draft.patch.pixels


def test_an_undo_from_the_middle_leaves_the_later_strokes() -> None:
    base = a_base()
    first, after = a_stroke(base, 1)
    second, _ = a_stroke(after, 2, base=base)
    log = [recorded(first, 1), recorded(second, 2), recorded(undo_of(first.stroke_id), 3)]
    assert history(log).standing == (log[1],)


def test_a_stroke_on_a_rebuilt_base_is_stale_not_applied_and_not_dropped() -> None:
    old, new = a_base(seed=1), a_base(seed=2)
    stale, _ = a_stroke(old, 3)
    fresh, after = a_stroke(new, 4)
    log = [recorded(stale, 1), recorded(fresh, 2)]
    replayed = replay(new, log)
    assert np.array_equal(replayed.codes, after)
    assert replayed.stale == (log[0],)
    with pytest.raises(StaleBaseError, match="rebuilt"):
        replay_codes(new, log)


def test_a_superseded_stroke_stands_again_when_the_superseding_one_is_undone() -> None:
    base = a_base()
    first, _ = a_stroke(base, 1)
    second = replace(a_stroke(base, 2)[0], supersedes=first.stroke_id)
    log = [recorded(first, 1), recorded(second, 2)]
    assert history(log).standing == (log[1],)
    log.append(recorded(undo_of(second.stroke_id), 3))
    assert history(log).standing == (log[0],)


def test_a_damaged_stroke_is_an_error_never_another_picture() -> None:
    base = a_base()
    draft, _ = a_stroke(base, 1)
    assert draft.patch is not None
    bad = recorded(draft, 1)
    bad = replace(bad, patch=replace(draft.patch, new_codes=draft.patch.new_codes[:-3]))
    with pytest.raises(CorruptDataError):
        replay_codes(base, [bad])
    with pytest.raises(ArrayError):
        replay_codes(base, [replace(bad, image_shape=(5, 5))])


def recorded_zone(draft: ZoneDraft, number: int) -> ZoneEdit:
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return ZoneEdit(**fields, entry=number, seq=number, token=None, server_time=0, previous="", hash="")
