"""From an entity and a `ReadQuery` to one SELECT of exactly what is selected.

`row_to_json` over a subselect writes an object; it is the cheapest way PostgreSQL has. Neighbours are LATERAL
subqueries, so any depth is still one statement.

A *scoped* statement is one for a principal that is bound to strategies: every table in it shows their rows only
(`Compiler.in_scope`), so that no neighbour, count or sum reveals rows of other strategies.
"""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, func, literal_column, select, true

from app.reads.columns import NO_COLUMNS, Columns, number_literal
from app.reads.connections import connection, count_of, linked
from app.reads.entity import ENTITIES, Computed, Count, Entity, Every, Many, One, Scope
from app.reads.filters import condition_sql, is_in_scope, parameter
from app.reads.objects import EMPTY_ARRAY, Names, Pair, Row, array_bytes, object_text, pack, pairs_of, row_json
from app.reads.ordering import beyond, order_by, total_order
from app.reads.query import ALL_ROWS, Amounts, Condition, ListArgs, ReadQuery, ResultFormat, Selected, Selection
from app.rules.identity import NO_STRATEGY

_NO_STRATEGY: ColumnElement[Any] = literal_column(f"'{NO_STRATEGY}'::uuid")


def build_statement(entity: Entity, query: ReadQuery, *, is_scoped: bool) -> Select[Any]:
    """The statement of a query. Columns: body; ARRAY: body, total; EACH: strategy_id, body.

    One row, but for EACH and KEYED.
    """
    compiler = Compiler(query.amounts, is_scoped=is_scoped)
    match query.format:
        case ResultFormat.ARRAY:
            array = compiler.array(entity, query.selection, query.list_args, is_response=True)
            body = array.scalar_subquery().label("body")
            if not query.is_counted:
                return select(body)
            return select(body, count_of(compiler, entity, query.list_args.where).label("total"))
        case ResultFormat.CONNECTION:
            return select(connection(compiler, entity, query.selection, query.list_args).label("body"))
        case ResultFormat.EACH:
            return compiler.each(entity, query.selection, query.list_args)
        case ResultFormat.KEYED:
            return compiler.keyed(entity, query.selection, query.list_args.where, query.by)
        case ResultFormat.ONE:
            if entity.computed is not None:
                return select(entity.computed(compiler, query.selection, query.arguments, NO_COLUMNS).label("body"))
            pairs = compiler.pairs(entity, NO_COLUMNS, query.selection, Row())
            return select(row_json(pairs, compiler.names).label("body"))


class Compiler:
    """Compiles the parts of one statement; the parts share its names."""

    def __init__(self, amounts: Amounts, *, is_scoped: bool) -> None:
        self.amounts = amounts
        self.names = Names()
        self._is_scoped = is_scoped

    def in_scope(self, columns: Columns, scope: Scope = is_in_scope) -> list[ColumnElement[bool]]:
        """The condition that rows belong to strategies that the principal may see."""
        return [scope(columns)] if self._is_scoped else []

    def members(self, entity: Entity, columns: Columns) -> list[ColumnElement[bool]]:
        """The conditions that a row of the entity's table, or of its totals, may be shown."""
        scoped = self.in_scope(columns, entity.scope or is_in_scope)
        return scoped if entity.only is None else [*scoped, entity.only(columns)]

    def array(
        self,
        entity: Entity,
        selection: Selection,
        list_args: ListArgs,
        link: Many | Every | None = None,
        parent: Columns | None = None,
        *,
        is_response: bool = False,
    ) -> Select[Any]:
        """A page as one JSON array of objects, in the list's order.

        `is_response`: as UTF-8 bytes, and cheaper, for an array that is the whole response.
        """
        columns, row, inner = Columns(self.names.new("t"), entity.model), Row(), self.names.new("r")
        packed, written = (object_text if is_response else pack)(self.pairs(entity, columns, selection, row))
        order = order_by(total_order(entity, list_args.order), columns)
        limit = None if list_args.page.is_whole else number_literal(list_args.page.limit)
        rows = columns.rows
        conditions = [*linked(link, columns, parent), *self.conditions(entity, columns, list_args)]
        if list_args.page.offset is not None:
            # Only the page's rows are rendered: PostgreSQL would evaluate the fields of skipped rows too.
            skip = parameter(list_args.page.offset, BigInteger())
            every: Select[Any] = select(literal_column("*")).select_from(rows).where(*conditions).order_by(*order)
            rows, conditions = every.limit(limit).offset(skip).subquery(columns.name), []
        page = select(*packed).select_from(row.beside(rows, columns)).where(*conditions).order_by(*order).limit(limit)
        objects = written(inner)
        array = array_bytes(objects) if is_response else func.coalesce(func.json_agg(objects), EMPTY_ARRAY)
        return select(array).select_from(page.subquery(inner))

    def each(self, entity: Entity, selection: Selection, list_args: ListArgs) -> Select[Any]:
        """A page as rows: the strategy (NO_STRATEGY where rows are of none) and the object."""
        columns, row = Columns(self.names.new("t"), entity.model), Row()
        body = row_json(self.pairs(entity, columns, selection, row), self.names)
        strategy_id = columns["strategy_id"] if entity.scope is None else _NO_STRATEGY
        return (
            select(strategy_id.label("strategy_id"), body.label("body"))
            .select_from(row.beside(columns.rows, columns))
            .where(*self.conditions(entity, columns, list_args))
            .order_by(*order_by(total_order(entity, list_args.order), columns))
            .limit(None if list_args.page.is_whole else number_literal(list_args.page.limit))
        )

    def keyed(self, entity: Entity, selection: Selection, where: Condition | None, by: tuple[str, ...]) -> Select[Any]:
        """One row for each key, in the keys' order: the object that has it and satisfies the filter, or null."""
        columns, given = (Columns(self.names.new(prefix), entity.model) for prefix in ("t", "k"))
        found = self.names.new("l")
        lists = [parameter(slot, ARRAY(columns[name].type)) for slot, name in enumerate(by)]
        unnested = func.unnest(*lists).table_valued(*by, with_ordinality="ordinal").render_derived(given.name)
        row = Row()
        body = row_json(self.pairs(entity, columns, selection, row), self.names).label("body")
        has_key = [columns[name] == given[name] for name in by]
        rows = select(body).select_from(row.beside(columns.rows, columns))
        rows = rows.where(*has_key, *self.members(entity, columns))
        if where is not None:
            rows = rows.where(condition_sql(entity, columns, where))
        listed: Select[Any] = select(literal_column(f"{found}.body")).select_from(
            unnested.outerjoin(rows.lateral(found), true())
        )
        return listed.order_by(literal_column(f"{given.name}.ordinal").asc())

    def conditions(self, entity: Entity, columns: Columns, list_args: ListArgs) -> list[ColumnElement[bool]]:
        """Everything that a row of the page must satisfy: scope, filter, and its place after or before a cursor."""
        found = self.members(entity, columns)
        if list_args.where is not None:
            found.append(condition_sql(entity, columns, list_args.where))
        order = total_order(entity, list_args.order)
        if list_args.page.after is not None:
            found.append(beyond(order, columns, list_args.page.after, is_after=True))
        if list_args.page.before is not None:
            found.append(beyond(order, columns, list_args.page.before, is_after=False))
        return found

    def pairs(self, entity: Entity, columns: Columns, selection: Selection, row: Row) -> list[Pair]:
        """The selected fields over one row of the entity; joins and subqueries that they need are added to `row`."""
        return pairs_of(selection, lambda field: self.value(entity, columns, field, row))

    def value(self, entity: Entity, columns: Columns, field: Selected, row: Row) -> ColumnElement[Any]:
        """One selected field."""
        link = entity.links.get(field.name)
        if link is None:
            declared = entity.fields[field.name]
            source = columns if declared.join is None else row.join(declared.join, self.names)
            return declared.sql(source, self.amounts)
        neighbour = ENTITIES[link.entity]
        match link:
            case Count():
                return count_of(self, neighbour)
            case One():
                rows = self._one(neighbour, field.children, link, columns)
            case Many():
                list_args = field.list_args or ListArgs()
                rows = select(connection(self, neighbour, field.children, list_args, link, columns).label("value"))
            case Every():
                array = self.array(neighbour, field.children, ALL_ROWS, link, columns)
                rows = select(array.scalar_subquery().label("value"))
            case Computed():
                assert neighbour.computed is not None
                rows = select(neighbour.computed(self, field.children, field.arguments, columns).label("value"))
        name = self.names.new("l")
        row.laterals.append(rows.lateral(name))
        return literal_column(f"{name}.value")

    def _one(self, entity: Entity, selection: Selection, link: One, parent: Columns) -> Select[Any]:
        columns, row = Columns(self.names.new("t"), entity.model), Row()
        body = row_json(self.pairs(entity, columns, selection, row), self.names)
        conditions = [*linked(link, columns, parent), *self.members(entity, columns)]
        found = select(body.label("value")).select_from(row.beside(columns.rows, columns)).where(*conditions)
        if link.also:
            found = found.order_by(*order_by(total_order(entity, ()), columns)).limit(number_literal(1))
        return found
