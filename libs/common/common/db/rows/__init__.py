"""Rows for the record of hot paths: as little as can be between them and the disk."""
