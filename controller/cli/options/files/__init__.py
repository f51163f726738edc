"""Files that people name: how they are read, and whether they can be written."""
