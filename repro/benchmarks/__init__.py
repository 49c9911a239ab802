"""Benchmarks: how fast the taggers and their inputs are computed, and how fast they could be."""
