"""What would have been recommended at a moment of the past, from what was known then, and how well it held."""
