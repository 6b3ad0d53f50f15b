"""Words as a picture: written where there is an application, an empty box where there is none, never a crash."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("napari")


@pytest.mark.gui
def test_words_fill_their_box(qapp):
    from annotator.window.written import written

    few, many = (
        written("no repair", 120, 200),
        written("no repair is known for this region, look " * 4, 120, 200),
    )
    assert few.shape == many.shape == (120, 200, 3)
    paper = few[0, 0]
    assert 200 < np.any(few != paper, 2).sum() < np.any(many != paper, 2).sum()


def test_without_an_application_the_box_is_empty_and_the_process_goes_on():
    code = (
        "from annotator.window.written import written; print(len(set(map(tuple, written('x', 40, 60)[0]))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
