"""What a repository's code may see of its user's files, and who says so."""
