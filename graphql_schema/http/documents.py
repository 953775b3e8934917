"""Documents: parsed, validated and compiled once, the ones used last kept."""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from app.settings import FixedLimits, Settings
from graphql_schema.errors import RequestCode, RequestRefused, refusal
from graphql_schema.execution.placeholders import NotPlannable
from graphql_schema.fast_mutations.fast_mutation import FastMutation
from graphql_schema.limits.cost import CostMeter
from graphql_schema.limits.document_limits import check_document
from graphql_schema.operation_plans import OperationPlans

CHARACTERS_KEPT_MAX = 512 * 1024
"""Most text of all kept documents together; parsed they take up to a hundred times the room."""
VALIDATION_ERRORS_MAX = 20
COMPILED_CHARACTERS_MAX = 16 * 1024
"""Longest document that has plans."""
PLANS_MAX = 64
"""Most plans kept for one document."""


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One operation of a valid document."""

    name: str | None
    type: OperationType
    cost: CostMeter
    is_single_mutation: bool
    """Whether it is a mutation of one field: then a field that was not done is an operation that was not done."""
    plans: OperationPlans | None = None
    """Of a query; None if it has no plan."""
    fast_mutation: FastMutation | None = None
    """Of a mutation; None if it has another form."""


@dataclass(frozen=True, eq=False, slots=True)
class Document:
    """A document that the schema can answer."""

    node: DocumentNode
    operations: Mapping[str | None, Operation]

    def operation(self, name: str | None) -> Operation:
        """The operation to execute. Raises RequestRefused."""
        if name is not None:
            found = self.operations.get(name)
            if found is None:
                raise refusal(RequestCode.BAD_REQUEST, f"The document has no operation named {name!r}.")
            return found
        if len(self.operations) > 1:
            raise refusal(RequestCode.BAD_REQUEST, "The document has several operations: say which in operationName.")
        return next(iter(self.operations.values()))


class Documents:
    """The documents used last, ready to execute. Only valid ones are kept."""

    def __init__(self, schema: GraphQLSchema, settings: Settings, limits: FixedLimits) -> None:
        self._schema, self._settings, self._limits = schema, settings, limits
        # Built once: rules that are new for each request would be a cache's undoing.
        self._rules = (
            *specified_rules,
            MaybeNullValidationRule,
            *(() if settings.graphql_introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0
        self.prepared = 0
        """How many documents were parsed so far."""

    def find(self, text: str) -> Document:
        """The document of this text. Raises RequestRefused."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._prepare(text)
        self._kept[text] = document
        self._characters += len(text)
        while len(self._kept) > self._limits.graphql_documents_max or (
            self._characters > CHARACTERS_KEPT_MAX and len(self._kept) > 1
        ):
            gone, _ = self._kept.popitem(last=False)
            self._characters -= len(gone)
        return document

    def __len__(self) -> int:
        return len(self._kept)

    def _prepare(self, text: str) -> Document:
        self.prepared += 1
        node = self._parse(text)
        check_document(node, self._settings.graphql_depth_max, self._limits)
        errors = validate(
            self._schema,
            node,
            self._rules,
            max_errors=VALIDATION_ERRORS_MAX,
            hide_suggestions=not self._settings.graphql_suggestions,
        )
        if errors:
            for error in errors:
                # Also those that name no place in the document: "too many errors".
                error.extensions = {"code": RequestCode.VALIDATION_FAILED.value}
            raise RequestRefused(errors)
        definitions = node.definitions
        fragments = {
            one.name.value: FragmentDetails(one) for one in definitions if isinstance(one, FragmentDefinitionNode)
        }
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        if not operations:
            raise refusal(RequestCode.BAD_REQUEST, "The document has no operation.")
        plans_max = max(PLANS_MAX // len(operations), 1) if len(text) <= COMPILED_CHARACTERS_MAX else 0
        return Document(node, {_name(one): self._operation(one, node, fragments, plans_max) for one in operations})

    def _parse(self, text: str) -> DocumentNode:
        tokens_max = self._limits.graphql_tokens_max
        try:
            return parse(text, max_lexical_tokens=tokens_max, max_comments=tokens_max)
        except GraphQLSyntaxError as error:
            if error.message.startswith(f"Syntax Error: Document contains more than {tokens_max} "):
                message = f"The document has more than {tokens_max} tokens."
                raise refusal(RequestCode.TOO_MANY_TOKENS, message) from None
            raise RequestRefused([error]) from None

    def _operation(
        self,
        node: OperationDefinitionNode,
        document: DocumentNode,
        fragments: dict[str, FragmentDetails],
        plans_max: int,
    ) -> Operation:
        meter = CostMeter(self._schema, node, fragments, self._limits.graphql_page_size_max)
        selections = node.selection_set.selections
        is_one_field = len(selections) == 1 and isinstance(selections[0], FieldNode)
        is_mutation = node.operation is OperationType.MUTATION
        plans = fast_mutation = None
        is_compiled = plans_max > 0 and not node.directives
        with suppress(NotPlannable):
            if is_compiled and node.operation is OperationType.QUERY:
                plans = OperationPlans(self._schema, node, fragments, plans_max)
            if is_compiled and is_mutation:
                fast_mutation = FastMutation(self._schema, document, node, fragments)
        return Operation(_name(node), node.operation, meter, is_one_field and is_mutation, plans, fast_mutation)


def _name(node: OperationDefinitionNode) -> str | None:
    return node.name.value if node.name is not None else None
