"""The database: connections, migrations, and the writer that commits for many at once."""
