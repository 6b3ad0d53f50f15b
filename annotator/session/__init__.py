"""What keys and buttons do, by subject; `annotator.session.controller` puts the parts together."""
