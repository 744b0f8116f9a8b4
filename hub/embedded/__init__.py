"""What one machine runs by itself when nothing else is installed: queue, broker, supervisor."""
