"""Alembic's migrations: DDL written out, one file a revision, run by `app.database.upgrade`."""
