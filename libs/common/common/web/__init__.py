"""What every HTTP surface shares: APIs, problems, paging, tokens, health, the server process."""
