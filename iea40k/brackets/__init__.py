"""Brackets: which captures belong together, how many stops lie between them, and which one is the as-shot frame."""
