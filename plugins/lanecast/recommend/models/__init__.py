"""Models: each learns from a `Past` and scores every product for a batch of customers."""
