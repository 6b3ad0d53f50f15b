"""Lists of public photographs; `iea40k fetch list` brings them."""
