"""Commands that speak to a running service: everything that an admin's page can do."""
