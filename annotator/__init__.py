"""The annotator: a napari plugin in which photography experts correct residuals. Importing it imports no Qt."""
