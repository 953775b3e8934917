"""Documents of one act: found once, kept with what it takes to read their variables."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    print_ast,
)

from app.errors import PurserError
from app.ledger.commands import AuthorizeOrder
from graphql_schema.acts.orders import OrderSent
from graphql_schema.caller import Caller
from graphql_schema.holes import NotPlannable
from graphql_schema.plans.documents import Load, Operation, operation_in
from graphql_schema.plans.variables import Variables
from graphql_schema.schema.mutations import authorize_all, authorize_one, record_events

_ABSENT = msgspec.Raw(b"")


@dataclass(frozen=True, slots=True)
class Kind:
    """A mutation whose one argument, of this type, is read straight from JSON.

    `prepare` makes of it what `act` takes; ValueError: it is left to ordinary execution. `is_planned`: answers are made
    of `answers`, not by graphql-core.
    """

    type: str
    read_as: Any
    prepare: Callable[[Any], Any]
    act: Callable[[Caller, Any], Awaitable[Any]]
    stand_in: Any
    """A valid argument, for who is only told what was done."""
    is_planned: bool = True


def _commands(sent: Sequence[OrderSent]) -> list[AuthorizeOrder | PurserError]:
    return [order.command() for order in sent]


def _lines(sent: Sequence[msgspec.Raw]) -> list[bytes]:
    """Every event as it was sent. Raises ValueError for null, which is no event."""
    lines = [bytes(event) for event in sent]
    if b"null" in lines:
        raise ValueError("null")
    return lines


_ANY_ORDER = {
    **{"strategy": {"name": "-"}, "clientOrderId": "-", "instrumentId": "-"},
    **{"side": "BUY", "type": "MARKET", "quantity": "1"},
}

KINDS: Mapping[str, Kind] = {
    "authorizeOrder": Kind("AuthorizeOrderInput!", OrderSent, OrderSent.command, authorize_one, _ANY_ORDER),
    "recordEvents": Kind("[JSON!]!", list[msgspec.Raw], _lines, record_events, [], is_planned=False),
    "authorizeOrders": Kind("[AuthorizeOrderInput!]!", list[OrderSent], _commands, authorize_all, []),
}


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One document of one act. `operation.variables` are those beside the act's own, which is named `variable`."""

    kind: Kind
    operation: Operation
    variable: str
    others: tuple[str, ...]
    decoder: msgspec.json.Decoder[Any]

    def read(self, given: bytes) -> tuple[Any, dict[str, Any]] | None:
        """The act's own variable, and the raw values of all others; None for what is out of the ordinary."""
        try:
            sent, *others = msgspec.structs.astuple(self.decoder.decode(given))
            named = zip(self.others, others, strict=True)
            return sent, {name: orjson.loads(bytes(raw)) for name, raw in named if raw is not _ABSENT}
        except (msgspec.MsgspecError, orjson.JSONDecodeError, UnicodeDecodeError, RecursionError):
            return None


def read_form(schema: GraphQLSchema, load: Load, text: str, name: str | None) -> Form | None:
    """The form of a valid document; None where it has another one."""
    document = load(text)
    found = operation_in(document, name, OperationType.MUTATION) if document is not None else None
    if document is None or found is None:
        return None
    definition, fragments = found
    field = _only_field(definition)
    kind = KINDS.get(field.name.value) if field is not None else None
    if field is None or kind is None:
        return None
    own = _own_variable(field, definition, kind)
    if own is None:
        return None
    rest = tuple(one for one in definition.variable_definitions or () if one is not own)
    try:
        variables = Variables(schema, rest)
    except NotPlannable:
        return None
    variable, others = _name(own), tuple(_name(one) for one in rest)
    operation = Operation(document, definition, fragments, variables)
    return Form(kind, operation, variable, others, _decoder(kind, variable, others))


def _only_field(definition: OperationDefinitionNode) -> FieldNode | None:
    selections = definition.selection_set.selections
    return selections[0] if len(selections) == 1 and isinstance(selections[0], FieldNode) else None


def _own_variable(field: FieldNode, definition: OperationDefinitionNode, kind: Kind) -> VariableDefinitionNode | None:
    """The variable that is the field's only argument, declared as the schema declares the argument."""
    values = [argument.value for argument in field.arguments or ()]
    if len(values) != 1 or not isinstance(values[0], VariableNode):
        return None
    name = values[0].name.value
    for one in definition.variable_definitions or ():
        if _name(one) == name and print_ast(one) == f"${name}: {kind.type}":
            return one
    return None


def _decoder(kind: Kind, variable: str, others: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Reads an object with these variables and no other."""
    names = {f"v{place}": name for place, name in enumerate((variable, *others))}
    own, *rest = names
    fields: list[Any] = [(own, kind.read_as), *((name, msgspec.Raw, _ABSENT) for name in rest)]
    return msgspec.json.Decoder(msgspec.defstruct("Variables", fields, rename=names, forbid_unknown_fields=True))


def _name(definition: VariableDefinitionNode) -> str:
    return definition.variable.name.value
