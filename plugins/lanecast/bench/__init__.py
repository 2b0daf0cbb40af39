"""Benchmarks: figures by stage, and ratios measured in one run, for machines are noisy."""
