"""The program `iea40k`, also `python -m iea40k`: makes sure that its rooms are ours, then runs the command line.

It stands here, since `pipelines` is also the name of other people's packages: where one of those hides ours, nothing of
the command line can be imported, and this is what can still say so.
"""

import sys
from importlib import import_module

from iea40k.errors import IEAError
from iea40k.rooms import check_rooms


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        check_rooms()
    except IEAError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    import_module("pipelines.cli").main()


if __name__ == "__main__":
    main()
