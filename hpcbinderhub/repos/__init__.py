"""Repositories: from what somebody pasted to the exact commit, and its content."""
