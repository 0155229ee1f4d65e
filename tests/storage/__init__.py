"""Objects in a folder and in a bucket."""
