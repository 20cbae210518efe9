"""Users' own credentials for private repositories: entered once, encrypted, given to Git alone."""
