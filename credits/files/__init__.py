"""Files that carriers and switches send: price lists and call records, read into values and bad rows."""
