"""What both targets stand on: boxes, brushes, pictures of a scene, and how long work is told."""
