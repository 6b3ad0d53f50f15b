"""Which of several enhancers exposes best: a folder of pictures each, compared where all have a picture of that name.

python examples/judge_enhancers.py INPUTS OUTPUTS_OF_A OUTPUTS_OF_B
"""

import sys

from iea40k.model.judging import judge_folders
from iea40k.model.weights import load_weights


def main(folders: list[str]) -> None:
    inputs, *outputs = folders
    judgement = judge_folders(load_weights("curve_net"), outputs, inputs=inputs)
    print(f"on {len(judgement.images)} images that all of them have")
    for place, one in enumerate(judgement.ranking, start=1):
        # The sign says what is wrong: + too dark, - too bright.
        print(f"{place}. {one.folder}  score {one.score:.2f}  mean residual {one.mean_residual:+.3f}")
        for stem, reasons in one.marked.items():
            print(f"   {stem} is no re-exposure of its input: {', '.join(reasons)}")
    for failure in judgement.failures:
        print(failure, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
