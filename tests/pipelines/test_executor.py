"""Real workers of this machine: what comes back, what a death costs, what a full disk costs."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from iea40k.errors import BadInputError, DiskError, LimitError
from pipelines.executor import Lost, Workers, open_executor

pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
from pipelines.executor.cluster import _Run
from tests.pipelines.on_workers import full_everywhere, squared, squared_unless_deadly, worker_that

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def two():
    with open_executor(Workers(2)) as executor:
        yield executor


def test_answers_come_in_the_order_of_the_items(two):
    assert list(two.map(squared, range(40))) == [n * n for n in range(40)]


def test_few_items_are_under_way_at_once(two):
    asked = []

    def items():
        for number in range(50):
            asked.append(number)
            yield number

    answers = two.unordered(squared, items())
    next(answers)
    assert len(asked) <= 2 * 2 + 1
    answers.close()


def test_what_a_function_raises_is_raised(two):
    with pytest.raises(TypeError, match="unsupported operand"):
        list(two.unordered(squared, [None]))


def test_an_item_that_kills_its_worker_is_named_and_costs_itself_alone(two, tmp_path):
    answers = dict(two.unordered(partial(squared_unless_deadly, tmp_path), range(8)))
    assert isinstance(answers.pop(3), Lost)
    assert answers == {n: n * n for n in range(8) if n != 3}
    with pytest.raises(LimitError, match="its worker died"):
        list(two.map(partial(squared_unless_deadly, tmp_path), [1, 3]))


def test_an_answer_that_is_lost_and_worked_out_again_counts(two):
    """A worker's death can take an answer along; between two looks at it, it may have come back."""
    run = _Run(squared, two)

    class Late:
        """A future whose answer is lost at the first look only."""

        def __init__(self):
            self.there = two.submit(squared, 3, "late")
            self.looks = 0

        @property
        def status(self):
            self.looks += 1
            return "lost" if self.looks == 1 else self.there.status

        def __getattr__(self, name):
            return getattr(self.there, name)

    late = Late()
    late.result()
    assert run._answer(late, 3).value == 9


def test_a_full_disk_on_one_worker_costs_that_worker(tmp_path):
    with open_executor(Workers(2)) as executor:
        used = list(executor.map(partial(worker_that, tmp_path / "full"), range(8)))
        assert len(used) == 8
        assert set(used) == set(executor.everywhere(int)) - {(tmp_path / "full").read_text()}
        with pytest.raises(DiskError):  # now the other's too
            list(executor.map(full_everywhere, range(8)))


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"count": 2, "scheduler": "tcp://localhost:1"}, {"scheduler": "x", "tls_ca": "ca.pem"}],
)
def test_workers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadInputError):
        Workers(**wrong)


def test_a_script_that_workers_cannot_read_is_told_so():
    script = "from pipelines.executor import *\nwith open_executor(Workers(2)):\n    pass\n"
    done = subprocess.run(
        [sys.executable, "-"],
        input=script,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert "if __name__ == '__main__':" in done.stderr.splitlines()[-1]
