"""A demonstration: records to look at, which nothing is sent about."""
