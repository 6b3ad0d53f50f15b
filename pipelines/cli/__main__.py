"""`python -m pipelines.cli`: the program without its installed script."""

from pipelines.cli.program import main

if __name__ == "__main__":
    main()
