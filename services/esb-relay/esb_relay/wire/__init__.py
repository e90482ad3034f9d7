"""GovESB's wire protocol as pure functions: no socket, no file, no clock, no framework."""
