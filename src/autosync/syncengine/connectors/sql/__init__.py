"""SQL databases, through SQLAlchemy: read whole or by their changes, written in batches."""
