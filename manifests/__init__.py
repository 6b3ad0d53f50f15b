"""Tables, taxonomies, criteria and recipes that come with the package."""
