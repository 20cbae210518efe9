"""Launches: one user starting one commit under one profile, as a durable record."""
