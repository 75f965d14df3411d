"""Roles, secrets and the service credential: what all three services check, without a database."""
