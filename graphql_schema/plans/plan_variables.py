"""Variables of an operation: coerced by graphql-core, then split into plan constraints and values of parameters.

The type of a variable decides: a scalar in `PARAMETER_SCALARS`, or a list of such, is a parameter. Of an input object
its keys are a constraint, and each field is split by its own type.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import get_variable_values, input_is_nested_too_deeply
from graphql.utilities import coerce_input_value

from app.errors import PurserError
from graphql_schema.execution.placeholders import PARAMETER_SCALARS, NotPlannable, Placeholder, unconstrained

Constraints: TypeAlias = Any
"""Hashable, in tuples: equal for requests that share a plan."""

_PARAMETER = "parameter"
_ABSENT = "absent"


class SplitVariables(NamedTuple):
    """The variables of one request. `template` has them with a placeholder for each value."""

    constraints: Constraints
    values: list[Any]
    template: dict[str, Any]


class PlanVariables:
    """The variables that one operation declares."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        """Raises NotPlannable."""
        self._variables: list[tuple[str, GraphQLInputType, Any]] = []
        defaults = get_variable_values(schema, [one for one in definitions if one.default_value is not None], {})
        if isinstance(defaults, list):
            raise NotPlannable
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            if isinstance(signature, GraphQLError):
                raise NotPlannable
            missing = Undefined if isinstance(signature.type, GraphQLNonNull) else _ABSENT
            default = defaults.coerced.get(signature.name, missing)
            self._variables.append((signature.name, signature.type, default))

    def split(self, raw: Mapping[str, Any]) -> SplitVariables:
        """Split the variables of a request. Raises NotPlannable for variables that ordinary execution refuses."""
        values: list[Any] = []
        constraints: list[Constraints] = []
        template: dict[str, Any] = {}
        for name, type_, default in self._variables:
            coerced = _coerced(raw, name, type_, default)
            if coerced is _ABSENT:
                constraints.append(_ABSENT)
                continue
            constraint, template[name] = _split(type_, coerced, values)
            constraints.append(constraint)
        return SplitVariables(tuple(constraints), values, template)


def size_of(constraints: Constraints) -> int:
    """The number of parts of the constraints, nested ones included."""
    return 1 + sum(map(size_of, constraints)) if isinstance(constraints, tuple) else 1


def _coerced(raw: Mapping[str, Any], name: str, type_: GraphQLInputType, default: Any) -> Any:
    value = raw.get(name, Undefined)
    if value is Undefined:
        coerced = default
    else:
        if isinstance(value, (dict, list)) and input_is_nested_too_deeply(value, type_):
            raise NotPlannable
        coerced = coerce_input_value(value, type_)
    if coerced is Undefined:
        raise NotPlannable
    return coerced


def _split(type_: GraphQLInputType, value: Any, values: list[Any]) -> tuple[Constraints, Any]:
    """The constraints of a coerced value, and the value with placeholders; appends the values that they stand for."""
    if value is None:
        return None, None
    if type(type_) is GraphQLNonNull:
        type_ = type_.of_type
    if type(type_) is GraphQLInputObjectType:
        fields, constraints, template = type_.fields, [], {}
        for name, part in value.items():
            constraint, template[name] = _split(fields[name].type, part, values)
            constraints.append((name, constraint))
        return tuple(constraints), template
    constrain = _constraint_of(type_)
    if constrain is not None:
        try:
            constraint = constrain(value)
        except PurserError as error:
            raise NotPlannable from error
        values.append(value)
        return (_PARAMETER, constraint), Placeholder(len(values) - 1, constraint)
    if type(type_) is GraphQLList:
        items = [_split(type_.of_type, item, values) for item in value]
        return tuple([constraint for constraint, _ in items]), [template for _, template in items]
    try:
        hash(value)
    except TypeError as error:
        raise NotPlannable from error
    # True and 1 are equal, and so are 1 and 1.0: the type tells them apart.
    return (type(value), value), value


@cache
def _constraint_of(type_: GraphQLInputType) -> Callable[[Any], Hashable] | None:
    """The constraint of a value of the type; None if it is no parameter."""
    if isinstance(type_, GraphQLList):
        item = type_.of_type.of_type if isinstance(type_.of_type, GraphQLNonNull) else type_.of_type
        return None if _constraint_of(item) is None else unconstrained
    return PARAMETER_SCALARS.get(getattr(type_, "name", ""))
