"""The channel proxy."""
