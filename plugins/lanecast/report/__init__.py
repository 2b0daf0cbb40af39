"""A run's quality report: read from the warehouse, put into words, drawn as a page, kept as a file."""
