"""Benchmarks: each measures a promise beside its yardstick in the same run and prints the ratio."""
