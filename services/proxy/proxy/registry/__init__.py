"""What calls are decided by: channels and their patterns, mediators, registrations."""
