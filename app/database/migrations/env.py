"""Run by Alembic, on the connection that `app.database.upgrade` hands over."""

from alembic import context

from app.models import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
