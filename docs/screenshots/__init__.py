"""The pictures of the pages, a file a subject; `docs/make_screenshots.py` takes them."""
