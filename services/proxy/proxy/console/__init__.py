"""The console: pages for staff at `/admin/`, and the sessions that let them in."""
