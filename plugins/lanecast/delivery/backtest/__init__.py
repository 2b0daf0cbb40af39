"""What delivery time would have been promised, week by week, from what was known then, and how well it held."""
