"""Watches a database: fires when a query, a table's newest version, or SQL Server's change tracking says that rows changed."""
