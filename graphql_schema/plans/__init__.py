"""Questions asked before: no parsing, no validation, no planning, straight to PostgreSQL.

    documents   text -> parsed, validated; the operation and its variables
    variables   raw values -> coerced (by graphql-core) -> what steers the plan | the values that fill it
    planner     runs the operation once with *holes* for values: what comes out is the plan
    answering   (document, operation, what steers) -> plan -> filled -> asked -> bytes

What a plan depends on is part of its key: which variables are given, enumerations, numbers, booleans (page sizes,
`@skip`, `@include`), how filters are nested, the entity that an id names, whether an instant is a midnight, whether a
time zone is UTC. Texts, ids, decimals, instants and time zones themselves are values: they fill the holes. A document
that no plan can be made of is left to ordinary execution, whose answers and errors are the same.
"""

from graphql_schema.plans.answering import Plans

__all__ = ["Plans"]
