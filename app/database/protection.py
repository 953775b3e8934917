"""The database role of the service, which has no UPDATE and DELETE on append-only tables and no TRUNCATE at all.

A bug of the service, or an injected statement, therefore cannot change recorded rows. If the database user may not
create roles, only the tables' triggers (`app.models.columns`) protect them (docs/adr/0013-audit-chain.md).
"""

import logging

import asyncpg

SERVICE_ROLE = "purser_service"
"""Roles belong to the cluster: all Purser databases in it grant to the same role."""

logger = logging.getLogger(__name__)

_EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
_MAY_CREATE_ROLES = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
# Append-only tables are recognized by their triggers.
_TABLES = """
SELECT quote_ident(c.relname) AS name, c.oid, CASE
    WHEN c.relname = 'alembic_version' THEN '{SELECT}'
    WHEN EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                 WHERE t.tgrelid = c.oid AND p.proname = 'refuse_change') THEN '{SELECT,INSERT}'
    ELSE '{SELECT,INSERT,UPDATE,DELETE}' END::text[] AS rights
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
"""
_IS_PREPARED = f"""
SELECT coalesce(has_schema_privilege($1, current_schema(), 'USAGE') AND bool_and(
    has_table_privilege($1, t.oid, privilege) = (privilege = ANY(t.rights))), false)
FROM ({_TABLES}) t, unnest('{{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}}'::text[]) AS privilege
"""
# The search path is made explicit first: "$user" in it would change its meaning with the role.
_ASSUME = """
SELECT set_config('search_path', quote_ident(current_schema()), false), set_config('role', rolname, false)
FROM pg_roles WHERE rolname = '{role}' AND pg_has_role(oid, '{membership}')
AND has_schema_privilege(oid, current_schema(), 'USAGE')
AND has_table_privilege(oid, to_regclass('audit_entries'), 'INSERT')
"""


async def assume_service_role(connection: asyncpg.Connection) -> None:
    """Set the connection's role to the service's, if the database is prepared for it."""
    await connection.execute(_ASSUME.format(role=SERVICE_ROLE, membership=_membership(connection)))


async def lacks_protection(connection: asyncpg.Connection) -> bool:
    """Whether `protect` has something to do that the connection's user may be allowed to do."""
    if not await connection.fetchval(_EXISTS, SERVICE_ROLE):
        return bool(await connection.fetchval(_MAY_CREATE_ROLES))
    if await connection.fetchval(_IS_PREPARED, SERVICE_ROLE):
        return False
    return bool(await _can_assume(connection) or await connection.fetchval(_MAY_CREATE_ROLES))


async def protect(connection: asyncpg.Connection) -> None:
    """Create the service's role and grant its privileges, as far as the connection's user is allowed to.

    Runs after each upgrade and restore, because privileges are neither backed up nor created by migrations. Callers
    exclude each other within a database, but not within a cluster.
    """
    try:
        if not await connection.fetchval(_EXISTS, SERVICE_ROLE):
            await _unless_done_meanwhile(connection, f"CREATE ROLE {SERVICE_ROLE} NOLOGIN")
        if not await _can_assume(connection):
            await _unless_done_meanwhile(connection, f"GRANT {SERVICE_ROLE} TO CURRENT_USER")
        async with connection.transaction():
            await _grant(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        logger.warning(
            "the service has no database role of its own (%s); append-only tables are protected by triggers only", error
        )


async def _grant(connection: asyncpg.Connection) -> None:
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    if not await connection.fetchval("SELECT has_schema_privilege($1, current_schema(), 'USAGE')", SERVICE_ROLE):
        await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {SERVICE_ROLE}")
    for table in await connection.fetch(_TABLES):
        name = f"{schema}.{table['name']}"
        await connection.execute(f"REVOKE ALL ON {name} FROM {SERVICE_ROLE}")
        await connection.execute(f"GRANT {', '.join(table['rights'])} ON {name} TO {SERVICE_ROLE}")


async def _unless_done_meanwhile(connection: asyncpg.Connection, statement: str) -> None:
    """Run a statement about roles, which may run at the same time in another database of the cluster."""
    try:
        await connection.execute(statement)
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError) as error:
        # PostgreSQL 15 raises "tuple concurrently updated".
        logger.info("%s: %s", statement, error)


async def _can_assume(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT pg_has_role($1, $2)", SERVICE_ROLE, _membership(connection)))


def _membership(connection: asyncpg.Connection) -> str:
    """The privilege to SET ROLE; before PostgreSQL 16 every member has it."""
    return "SET" if connection.get_server_version().major >= 16 else "MEMBER"
