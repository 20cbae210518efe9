"""Exact values of data sets: located once, read and decoded in threads, kept within a budget."""
