"""Measured claims. Each module prints ratios against a floor that it measures in the same run."""
