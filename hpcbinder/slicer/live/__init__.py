"""Files that grow while somebody looks."""
