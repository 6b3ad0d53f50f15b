"""What keys and buttons do, by subject; `annotator.controller` puts the parts together."""
