"""The asynchronous client. The synchronous one is made from it by clients/python/generate.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from purser_client.asynchronous.reads import AsyncReads
from purser_client.asynchronous.updates import AsyncUpdates
from purser_client.errors import Conflict, InvalidInput, NotFound, Unavailable
from purser_client.generated import operations
from purser_client.generated.enums import TradingScope, TradingState
from purser_client.generated.inputs import AuthorizeOrderInput, InstrumentInput, ResolveQuarantineInput, SignalInput
from purser_client.generated.objects import Budget, Signal, Strategy
from purser_client.generated.results import (
    BudgetDeleted,
    OrderAuthorized,
    OrderDenied,
    OrderReleased,
    QuarantineResolved,
    RecordedEvents,
    TradingStateSet,
)
from purser_client.recording import INSTRUMENTS_MAX, ORDERS_MAX, Event, Recording, in_parts, require_finite
from purser_client.request import (
    PATH,
    Request,
    StrategyName,
    base_url,
    data_of,
    encode,
    headers_of,
    is_query,
    result_of,
    strategy_ref,
    unanswered,
)
from purser_client.retries import RETRIES, Attempts, RetryPolicy

T = TypeVar("T")


class AsyncPurser(AsyncReads, AsyncUpdates):
    """A client of one Purser service, for `async with`. Safe to share between tasks.

    `timeout` is in seconds, for connecting and for each answer. Requests without an answer are repeated as `retries`
    says, where repeating cannot change the outcome. Every method raises PurserError.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        timeout: float = 10.0,
        retries: RetryPolicy = RETRIES,
    ) -> None:
        """Raises ValueError for a URL of another form."""
        super().__init__()
        self._url, self._key, self._timeout, self._retries = base_url(url), key, timeout, retries
        self._http = httpx.AsyncClient(headers=headers_of(key), timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections, and ends the iterators of updates."""
        await self._close_updates()
        await self._http.aclose()

    async def authorize(self, order: AuthorizeOrderInput) -> OrderAuthorized | OrderDenied:
        """Authorizes an order before it is submitted. Raises InvalidInput, NotFound, Conflict.

        A repeated request, also one that is repeated after a lost answer, gets the first answer (`is_repeated`).
        """
        return await self._send(operations.authorize_order(input=order))

    async def authorize_all(
        self, orders: Iterable[AuthorizeOrderInput]
    ) -> list[OrderAuthorized | OrderDenied | InvalidInput | NotFound | Conflict]:
        """Authorizes orders, up to 1000 in one request. Each is decided on its own: errors are returned, not raised."""
        outcomes: list[OrderAuthorized | OrderDenied | InvalidInput | NotFound | Conflict] = []
        for part in in_parts(orders, ORDERS_MAX):
            decided = await self._send(operations.authorize_orders(inputs=part))
            outcomes += decided
        return outcomes

    async def release(self, strategy: StrategyName, client_order_id: str) -> OrderReleased:
        """Releases the hold of an order that will not be submitted. Raises NotFound, Conflict."""
        return await self._send(
            operations.release_order(strategy=strategy_ref(strategy), client_order_id=client_order_id)
        )

    async def record(self, events: Iterable[Event]) -> RecordedEvents:
        """Records events and instruments as an engine publishes them: mappings, or bytes of JSON.

        Sends them in order, in as many requests as needed. If it fails, the events before the failure may be recorded;
        recording all again changes nothing twice. Events that are refused are in `rejected`, by their index in
        `events`. Raises InvalidInput if an event is no JSON object.
        """
        recording = Recording(events)
        for request in recording.requests():
            try:
                recorded = await self._send(request)
            except InvalidInput as error:
                recording.split(error)
            else:
                recording.add(recorded)
        return recording.result

    async def record_signal(self, signal: SignalInput) -> Signal:
        """Records a signal. Raises InvalidInput, NotFound, Conflict."""
        require_finite(signal.value, "input", "value")
        return (await self._send(operations.record_signal(input=signal))).signal

    async def record_instruments(self, instruments: Iterable[InstrumentInput]) -> int:
        """Records terms of instruments, up to 1000 in one transaction. Returns their number. Raises Conflict."""
        count = 0
        for part in in_parts(instruments, INSTRUMENTS_MAX):
            count += (await self._send(operations.record_instruments(inputs=part))).count
        return count

    async def register_strategy(self, name: str, trader_id: str) -> Strategy:
        """Registers a strategy before its first event. Idempotent."""
        return (await self._send(operations.register_strategy(name=name, trader_id=trader_id))).strategy

    async def set_budget(
        self, strategy: StrategyName, currency: str, allocated: Decimal, *, new_currency: bool = False
    ) -> Budget:
        """Sets the capital that a strategy may reserve. Raises InvalidInput, NotFound."""
        request = operations.set_budget(
            strategy=strategy_ref(strategy), currency=currency, allocated=allocated, new_currency=new_currency
        )
        return (await self._send(request)).budget

    async def delete_budget(self, strategy: StrategyName, currency: str) -> BudgetDeleted:
        """Deletes a budget from which nothing is reserved. Raises NotFound, Conflict."""
        return await self._send(operations.delete_budget(strategy=strategy_ref(strategy), currency=currency))

    async def set_trading_state(
        self, state: TradingState, strategy: StrategyName | None = None, *, scope: TradingScope | None = None
    ) -> TradingStateSet:
        """Sets the trading state of a strategy or, with `TradingScope.ALL`, of all. Raises InvalidInput, NotFound."""
        ref = None if strategy is None else strategy_ref(strategy)
        return await self._send(operations.set_trading_state(state=state, strategy=ref, scope=scope))

    async def resolve_quarantine(self, decision: ResolveQuarantineInput) -> QuarantineResolved:
        """Accepts or dismisses an event in quarantine. Raises InvalidInput, NotFound, Conflict."""
        return await self._send(operations.resolve_quarantine(input=decision))

    async def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        data_type: Any = dict[str, Any],
        is_repeatable: bool | None = None,
    ) -> Any:
        """The `data` of any GraphQL query or mutation, as JSON values or as the type that msgspec decodes.

        A mutation without an answer is sent again only if `is_repeatable` says that this is safe.
        """
        body = encode(document, variables or {})
        repeatable = is_query(document) if is_repeatable is None else is_repeatable
        return await self._repeat(body, repeatable, lambda *answer: data_of(data_type, *answer))

    async def _send(self, request: Request[T]) -> T:
        return await self._repeat(request.body(), request.is_repeatable, lambda *answer: result_of(request, *answer))

    async def _repeat(
        self, body: bytes, is_repeatable: bool, decode: Callable[[int, Mapping[str, str], bytes], T]
    ) -> T:
        """Sends a request until there is an answer, or no attempt is left."""
        attempts = Attempts(self._retries, is_repeatable=is_repeatable)
        while True:
            try:
                response = await self._http.post(self._url + PATH, content=body)
                return decode(response.status_code, response.headers, response.content)
            except httpx.RequestError as error:
                failure = unanswered(error)
            except Unavailable as error:
                failure = error
            await asyncio.sleep(attempts.wait_after(failure))
