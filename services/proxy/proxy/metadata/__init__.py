"""Everything that is configured as one document, without secrets: exported, compared, applied."""
