"""What an engine publishes, spooled on disk and sent to the service."""
