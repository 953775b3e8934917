"""Tables whose rows are never changed or removed: PostgreSQL refuses it to everyone, the owner included."""

from sqlalchemy import DDL, event
from sqlmodel import SQLModel

_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of %% are never changed or removed', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
"""


def append_only(model: type[SQLModel]) -> None:
    """Refuse changes and deletions of rows by a trigger. A role that may drop the trigger can bypass it (ADR 0013)."""
    table = model.__table__  # type: ignore[attr-defined]
    trigger = (
        f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for statement in (_REFUSE, trigger):
        event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]
