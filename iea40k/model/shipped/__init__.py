"""Weights that come with the package; `docs/training.md` says what they were trained on."""
