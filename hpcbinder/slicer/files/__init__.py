"""Files that the reading process has open."""
