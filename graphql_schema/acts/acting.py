"""Acting by kept forms. `Acts.read` and `Act.answer` are all that the HTTP side has to know."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLSchema

from app.errors import PurserError
from graphql_schema.acts.answers import Answers
from graphql_schema.acts.forms import Form, read_form
from graphql_schema.caller import Caller
from graphql_schema.execution import SplicingExecutor
from graphql_schema.holes import NotPlannable
from graphql_schema.plans.documents import LENGTH_MAX, Load

FORMS_MAX = 200
"""Most documents kept."""
ANSWERS_MAX = 16
"""Most kinds of answers kept of one document, one for each combination of variables that steer it."""


class Acts:
    """Mutations asked last. `load` says which documents are valid."""

    def __init__(self, schema: GraphQLSchema, load: Load) -> None:
        self._schema = schema
        self._form_of = lru_cache(FORMS_MAX)(partial(read_form, schema, load))

    def read(self, text: str, name: str | None, given: Mapping[str, Any] | bytes) -> "Act | None":
        """What is to be done, ready to be; None: execute it as ever. `given` is the JSON of the variables."""
        form = self._form_of(text, name) if isinstance(given, bytes) and len(text) <= LENGTH_MAX else None
        read = form.read(given) if form is not None and isinstance(given, bytes) else None
        if form is None or read is None:
            return None
        sent, others = read
        try:
            steering, values = form.operation.variables.split(others)
            answers = self._answers(form, steering, others) if form.kind.is_planned else None
            filled = [] if answers is None else answers.filled(values)
        except (NotPlannable, PurserError):
            return None
        return Act(self._schema, form, sent, others, answers, filled)

    def _answers(self, form: Form, steering: Any, others: Mapping[str, Any]) -> Answers:
        kept: OrderedDict[Any, Answers] = form.operation.plans
        answers = kept.get(steering)
        if answers is None:
            answers = Answers(self._schema, form.operation, form.operation.variables.with_holes(others))
            kept[steering] = answers
            if len(kept) > ANSWERS_MAX:
                kept.popitem(last=False)
        return answers


@dataclass(slots=True)
class Act:
    """One request to do something."""

    schema: GraphQLSchema
    form: Form
    sent: Any
    others: Mapping[str, Any]
    answers: Answers | None
    filled: Sequence[Sequence[Any]]

    @property
    def variables(self) -> Mapping[str, Any]:
        """For whoever counts: the act's own as it was read, all others raw."""
        return {**self.others, self.form.variable: self.sent}

    async def answer(self, caller: Caller) -> bytes | ExecutionResult | None:
        """Do it. The JSON of `data`, or a result with errors; None: nothing was done, execute it as ever."""
        try:
            prepared = self.form.kind.prepare(self.sent)
        except ValueError:
            return None
        try:
            outcome = await self.form.kind.act(caller, prepared)
        except Exception as error:
            return await self._told(caller, error)
        if self.answers is not None:
            # Whatever goes wrong: graphql-core will meet it too, and say where.
            with suppress(Exception):
                return await self.answers.data(outcome, self.filled, caller)
        return await self._told(caller, outcome)

    async def _told(self, caller: Caller, outcome: Any) -> ExecutionResult:
        """What graphql-core makes of what was done, or of the error instead."""

        def tell(resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
            if info.parent_type is not self.schema.mutation_type:
                return resolve(source, info, **arguments)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        name = self.form.operation.definition.name
        executor = SplicingExecutor.build(
            self.schema,
            self.form.operation.document,
            context_value=caller,
            raw_variable_values={**self.others, self.form.variable: self.form.kind.stand_in},
            operation_name=name.value if name is not None else None,
            middleware=[tell],
        )
        assert isinstance(executor, SplicingExecutor), executor
        result: Any = executor.execute_operation()
        if isawaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)
        return result
