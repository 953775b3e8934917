"""One mutation of a valid document whose input is read straight from JSON: compiled once, then run for each request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    print_ast,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from app.errors import PurserError
from graphql_schema.caller import Caller
from graphql_schema.execution.executor import build_executor, run
from graphql_schema.execution.placeholders import NotPlannable
from graphql_schema.execution.selection import Operation
from graphql_schema.fast_mutations.fields import FAST_FIELDS, FastField
from graphql_schema.fast_mutations.payload_templates import PayloadTemplate
from graphql_schema.operation_plans import Constraints, PlanVariables, SplitVariables

TEMPLATES_MAX = 16
"""Most templates kept of one mutation, one for each combination of plan constraints."""

_ABSENT = msgspec.Raw(b"")


class FastMutation:
    """A mutation of the form `mutation ($input: T!, ...) { field(input: $input) { ... } }`, T being the field's own."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
    ) -> None:
        """Raises NotPlannable if the mutation has another form."""
        self.schema, self.document, self.definition = schema, document, definition
        self._fragments = fragments
        self.field, own = _form_of(definition)
        others = tuple(one for one in definition.variable_definitions or () if one is not own)
        self.variable, self._others = _name(own), tuple(map(_name, others))
        self._variables = PlanVariables(schema, others)
        self._decoder = _decoder(self.field, self.variable, self._others)
        self._templates: OrderedDict[Constraints, PayloadTemplate] = OrderedDict()

    def read(self, variables: Mapping[str, Any] | bytes) -> FastRequest | None:
        """The request of these variables, given as JSON; None if ordinary execution has to answer."""
        if not isinstance(variables, bytes):
            return None
        try:
            argument, *raw = msgspec.structs.astuple(self._decoder.decode(variables))
            named = zip(self._others, raw, strict=True)
            others = {name: orjson.loads(bytes(one)) for name, one in named if one is not _ABSENT}
            split = self._variables.split(others)
            if not self.field.has_template:
                return FastRequest(self, argument, others, None, ())
            template = self._template(split)
            return FastRequest(self, argument, others, template, template.bound(split.values))
        except (msgspec.MsgspecError, orjson.JSONDecodeError, UnicodeDecodeError, RecursionError):
            return None
        except (NotPlannable, PurserError):
            return None

    def _template(self, split: SplitVariables) -> PayloadTemplate:
        template = self._templates.get(split.constraints)
        if template is None:
            variables = VariableValues({}, split.template)
            template = PayloadTemplate(Operation(self.schema, self.definition, self._fragments, variables))
            self._templates[split.constraints] = template
            if len(self._templates) > TEMPLATES_MAX:
                self._templates.popitem(last=False)
        return template


@dataclass(slots=True)
class FastRequest:
    """One request to run the mutation."""

    mutation: FastMutation
    argument: Any
    others: Mapping[str, Any]
    template: PayloadTemplate | None
    bound: Sequence[Sequence[Any]]

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables, to compute the cost of: the argument as it was decoded, all others raw."""
        return {**self.others, self.mutation.variable: self.argument}

    async def answer(self, caller: Caller) -> bytes | ExecutionResult | None:
        """Run it. The JSON of `data`, or a result with errors; None: nothing was done, ordinary execution answers."""
        field = self.mutation.field
        try:
            prepared = field.prepare(self.argument)
        except ValueError:
            return None
        try:
            payload = await field.run(caller, prepared)
        except Exception as error:
            return await self._written_by_graphql_core(caller, error)
        if self.template is not None:
            # A failure here is one in graphql-core too, which decides which fields become null.
            with suppress(Exception):
                return await self.template.data(payload, self.bound, caller)
        return await self._written_by_graphql_core(caller, payload)

    async def _written_by_graphql_core(self, caller: Caller, outcome: Any) -> ExecutionResult:
        """The result of a mutation that returned this payload, or raised this error."""
        mutation = self.mutation

        def resolve_root(resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
            if info.parent_type is not mutation.schema.mutation_type:
                return resolve(source, info, **arguments)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        name = mutation.definition.name
        variables = {**self.others, mutation.variable: mutation.field.valid_argument}
        operation_name = None if name is None else name.value
        return await run(
            build_executor(
                mutation.schema, mutation.document, operation_name, variables, caller, middleware=[resolve_root]
            )
        )


def _form_of(definition: OperationDefinitionNode) -> tuple[FastField, VariableDefinitionNode]:
    """The field, and the variable that is its only argument, declared as the schema declares the argument."""
    selections = definition.selection_set.selections
    node = selections[0]
    if len(selections) != 1 or not isinstance(node, FieldNode) or node.name.value not in FAST_FIELDS:
        raise NotPlannable
    field = FAST_FIELDS[node.name.value]
    values = [argument.value for argument in node.arguments or ()]
    if len(values) == 1 and isinstance(values[0], VariableNode):
        name = values[0].name.value
        for one in definition.variable_definitions or ():
            if _name(one) == name and print_ast(one) == f"${name}: {field.type}":
                return field, one
    raise NotPlannable


def _decoder(field: FastField, variable: str, others: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """Decodes an object with these variables and no other."""
    names = {f"v{place}": name for place, name in enumerate((variable, *others))}
    own, *rest = names
    fields: list[Any] = [(own, field.decoded_as), *((name, msgspec.Raw, _ABSENT) for name in rest)]
    return msgspec.json.Decoder(msgspec.defstruct("Variables", fields, rename=names, forbid_unknown_fields=True))


def _name(definition: VariableDefinitionNode) -> str:
    return definition.variable.name.value
