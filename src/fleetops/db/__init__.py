"""PostgreSQL: models, engine, migrations. The only place that knows the schema."""
