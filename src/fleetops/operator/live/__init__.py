"""What moves on the screen: positions, the outbox as events, and the sockets they go to."""
