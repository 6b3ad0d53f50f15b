"""Training configurations. `docs/training.md` has their keys."""
