"""The record of every call: found, searched, watched, and made again from."""
