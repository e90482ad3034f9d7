"""What can happen, who is told, in which words, and what people prefer."""
