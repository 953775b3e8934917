"""Variables: coerced as graphql-core coerces them, then split into what steers a plan and the values that fill it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import get_variable_values, input_is_nested_too_deeply
from graphql.utilities import coerce_input_value

from app.errors import PurserError
from graphql_schema.holes import Hole, ListHole, NotPlannable
from graphql_schema.told import entity_of, is_midnight, is_utc, nothing

Tell: TypeAlias = Callable[[Any], Hashable]
"""From a value to what is told of it."""

FILLING: Mapping[str, Tell] = {
    "String": nothing,
    "ID": entity_of,
    "Decimal": nothing,
    "DateTime": is_midnight,
    "UUID": nothing,
    "TimeZone": is_utc,
}
"""Scalars whose values fill holes, and what is told of a value. Of all others, and of all enumerations, the whole value
is part of a plan's key."""

Steering: TypeAlias = Any
"""Hashable, in tuples: whatever two requests must have in common to share a plan."""
Split: TypeAlias = Callable[[Any, list[Any]], Steering]
"""(coerced value, values so far) -> what steers; the rest goes to the end of the values."""

_VALUE = "value"
_ABSENT = "absent"


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._variables: list[tuple[str, GraphQLInputType, Any, Split]] = []
        defaults = get_variable_values(schema, [one for one in definitions if one.default_value is not None], {})
        if isinstance(defaults, list):
            raise NotPlannable
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            if isinstance(signature, GraphQLError):
                raise NotPlannable
            missing = Undefined if isinstance(signature.type, GraphQLNonNull) else _ABSENT
            default = defaults.coerced.get(signature.name, missing)
            self._variables.append((signature.name, signature.type, default, _split_of(signature.type)))

    def split(self, raw: Mapping[str, Any]) -> tuple[Steering, list[Any]]:
        """What steers, and the values. Raises NotPlannable for what ordinary execution refuses."""
        values: list[Any] = []
        steering = []
        for name, type_, default, split in self._variables:
            coerced = self._coerced(raw, name, type_, default)
            steering.append(_ABSENT if coerced is _ABSENT else split(coerced, values))
        return tuple(steering), values

    def with_holes(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The coerced variables, a hole in place of each value."""
        counted: list[Any] = []
        coerced = (
            (name, type_, self._coerced(raw, name, type_, default)) for name, type_, default, _ in self._variables
        )
        return {name: _pierced(type_, value, counted) for name, type_, value in coerced if value is not _ABSENT}

    @staticmethod
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


def size_of(steering: Steering) -> int:
    """How many parts it has: what it takes to keep it."""
    return 1 + sum(map(size_of, steering)) if isinstance(steering, tuple) else 1


def _split_of(type_: GraphQLInputType) -> Split:
    """How a value of the type is split."""
    if isinstance(type_, GraphQLNonNull):
        return _split_of(type_.of_type)
    if isinstance(type_, GraphQLInputObjectType):
        return _ObjectSplit(type_)
    if _fills(type_):
        return partial(_split_value, _telling(type_))
    if isinstance(type_, GraphQLList):
        if _fills(type_.of_type):
            return partial(_split_value, nothing)
        item = _split_of(type_.of_type)
        return lambda value, values: None if value is None else tuple([item(part, values) for part in value])
    return lambda value, _: _hashable(value)


def _split_value(tell: Tell, value: Any, values: list[Any]) -> Steering:
    if value is None:
        return None
    values.append(value)
    return _VALUE, tell(value)


class _ObjectSplit:
    """Splits an input object. Its fields are looked at when they are first met: filters contain themselves."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_
        self._fields: dict[str, Split] = {}

    def __call__(self, value: Any, values: list[Any]) -> Steering:
        if value is None:
            return None
        if type(value) is not dict:
            raise NotPlannable
        steering = []
        for name, part in value.items():
            split = self._fields.get(name)
            if split is None:
                split = self._fields[name] = _split_of(_field_type(self._type, name))
            steering.append((name, split(part, values)))
        return tuple(steering)


def _pierced(type_: GraphQLInputType, value: Any, counted: list[Any]) -> Any:
    """The value with holes, numbered in the order in which `Split` puts the values."""
    if isinstance(type_, GraphQLNonNull):
        return _pierced(type_.of_type, value, counted)
    if value is None:
        return None
    if isinstance(type_, GraphQLInputObjectType):
        return {name: _pierced(_field_type(type_, name), part, counted) for name, part in value.items()}
    if _fills(type_):
        counted.append(None)
        return Hole(len(counted) - 1, _telling(type_)(value))
    if isinstance(type_, GraphQLList):
        if _fills(type_.of_type):
            counted.append(None)
            return ListHole(len(counted) - 1)
        return [_pierced(type_.of_type, part, counted) for part in value]
    return value


def _fills(type_: GraphQLInputType) -> bool:
    named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(named, GraphQLScalarType) and named.name in FILLING


def _telling(type_: GraphQLInputType) -> Tell:
    tell = FILLING[get_named_type(type_).name]

    def told(value: Any) -> Hashable:
        try:
            return tell(value)
        except PurserError as error:
            raise NotPlannable from error

    return told


def _field_type(parent: GraphQLInputObjectType, name: str) -> GraphQLInputType:
    for field_name, field in parent.fields.items():
        if (field.out_name or field_name) == name:
            type_: GraphQLInputType = field.type
            return type_
    raise NotPlannable


def _hashable(value: Any) -> Sequence[Any]:
    try:
        hash(value)
    except TypeError as error:
        raise NotPlannable from error
    # True and 1 are equal, and so are 1 and 1.0: the type tells them apart.
    return type(value), value
