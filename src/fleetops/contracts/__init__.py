"""What crosses the bus: messages, topics, ids, partitioning. Imports nothing else of ours."""
