"""Training: one loop, its configuration, its checkpoints, its record."""
