"""The slicer's API: parses and authorises, asks the reading process, opens no file itself."""
