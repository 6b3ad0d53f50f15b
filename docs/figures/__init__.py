"""The figures of docs/explained, a file a subject; `docs/make_figures.py` draws them."""
