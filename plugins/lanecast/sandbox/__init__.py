"""Stand-in carriers: a simulated cross-border world with known truth, and an HTTP server in four wire formats."""
