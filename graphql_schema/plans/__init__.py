"""Operation plans: a query that was answered before goes straight to PostgreSQL, without graphql-core.

    plan_variables   raw values -> coerced (by graphql-core) -> plan constraints | values of parameters
    operation_plan   the compiler: AST and table of root fields -> reads; constraints -> plan; values -> JSON

Part of a plan's key are: which variables are given, enumerations, numbers and booleans (page sizes, `@skip`,
`@include`), the keys of input objects, the entity of a node id, whether an instant is a midnight and a time zone UTC.
Texts, ids, decimals, instants and time zones are parameters. A document without a plan is left to ordinary execution,
whose answers and errors are the same.
"""

from graphql_schema.plans.operation_plan import OperationPlans

__all__ = ["OperationPlans"]
