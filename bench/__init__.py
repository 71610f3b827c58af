"""Benchmarks: `python -m bench NAME SET… [options]` prints one JSON object a line."""
