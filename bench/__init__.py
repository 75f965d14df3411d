"""Measurements, one command each. Every figure in README and docs comes from one of them."""
