"""Campaigns: one text to a list of people, tried out, approved by a second person, then queued."""
