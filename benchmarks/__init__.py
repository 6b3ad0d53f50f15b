"""Speed and memory, measured: each figure is a ratio against a stated baseline in the same run."""
