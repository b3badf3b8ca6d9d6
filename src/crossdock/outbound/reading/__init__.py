"""Looking at intents: lists, causes, backlog."""
