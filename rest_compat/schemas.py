"""Response schemas: they document each response (OpenAPI), and their fields, in order, are selected from the database.

Responses are neither built nor validated by these models.
"""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.reads.query import Selected, Selection
from app.rules.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    PositionStatus,
    TimeInForce,
    TradingState,
)
from app.rules.money import DIGITS_MAX, read_decimal

Amount = Annotated[
    Decimal, WithJsonSchema({"type": "number", "description": "Exact: the decimal digits of the ledger."})
]
Instant = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, with nanoseconds."}),
]
Document = Annotated[Any, WithJsonSchema({"description": "Any JSON value, or null."})]

ORDER_ID = "O-20220101-001400-001-000-1"
STRATEGY_ID = "5f17147f-2bbd-5c76-af87-1f010d829329"
INSTANT = "2022-01-01T00:14:00.000000000Z"
LATER = "2022-01-01T00:14:01.500000007Z"
_DIGITS = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"


def example(value: Any, description: str | None = None) -> Any:
    """A field with its value in the model's example."""
    return Field(description=description, json_schema_extra={"example": value})


def _collect_example(schema: dict[str, Any]) -> None:
    """Move the fields' examples to one of the whole model."""
    values = {name: field.pop("example") for name, field in schema["properties"].items() if "example" in field}
    if values:
        schema["examples"] = [values]


class ResponseModel(BaseModel):
    """Base of the response schemas."""

    model_config = ConfigDict(json_schema_extra=_collect_example)

    @classmethod
    def example(cls) -> dict[str, Any]:
        """The example, nulls included."""
        extras: dict[str, Any] = {name: field.json_schema_extra for name, field in cls.model_fields.items()}
        return {name: extra["example"] for name, extra in extras.items()}


class Error(BaseModel):
    """Every error's body."""

    detail: Annotated[str, Field(description="The error, for people.")]
    code: Annotated[str, Field(description="The error, for programs. Codes are never renamed.")]


def selection_of(model: type[BaseModel], **sources: str) -> Selection:
    """The selection that yields this response. `sources` maps a field to its name in the catalogue, if it differs."""
    return Selection(tuple(Selected(sources.get(name, name), name) for name in model.model_fields))


def _from_digits(value: object) -> object:
    """Parse a string to a Decimal; leave any other value unchanged."""
    if not isinstance(value, str):
        return value
    number = read_decimal(value)
    if number is None:
        raise ValueError('Input should be a decimal number, or a string of its digits like "1000.50"')
    return number


class Strategy(ResponseModel):
    """A strategy of a trader."""

    strategy_id: UUID = example(STRATEGY_ID)
    name: str = example("EMACross-000")
    trader_id: str = example("TRADER-001")
    state: TradingState = example("ACTIVE")
    created_at: Instant = example(INSTANT)


class Order(ResponseModel):
    """The current state of an order."""

    client_order_id: str = example(ORDER_ID)
    venue_order_id: str | None = example("BINANCE-1-001")
    strategy_id: UUID = example(STRATEGY_ID)
    strategy_name: str = example("EMACross-000")
    trader_id: str = example("TRADER-001")
    account_id: str | None = example("BINANCE-001")
    instrument_id: str = example("BTCUSDT-PERP.BINANCE")
    position_id: str | None = example("BTCUSDT-PERP.BINANCE-EMACross-000")
    side: OrderSide = example("BUY")
    order_type: OrderType = example("LIMIT")
    time_in_force: TimeInForce = example("GTC")
    status: OrderStatus = example("PARTIALLY_FILLED")
    quantity: Amount = example(0.6)
    filled_qty: Amount = example(0.2)
    leaves_qty: Amount = example(0.4)
    price: Amount | None = example(46209.0)
    trigger_price: Amount | None = example(None)
    avg_px: Amount | None = example(46209.0)
    reduce_only: bool = example(False)
    post_only: bool = example(False)
    deny_reason: str | None = example(None)
    tags: list[str] = example(["entry"])
    ts_init: Instant = example(INSTANT)
    ts_last: Instant = example(LATER)


class Fill(ResponseModel):
    """A fill of an order."""

    trade_id: str = example("BINANCE-1-003")
    client_order_id: str = example(ORDER_ID)
    venue_order_id: str | None = example("BINANCE-1-001")
    strategy_id: UUID = example(STRATEGY_ID)
    strategy_name: str = example("EMACross-000")
    account_id: str = example("BINANCE-001")
    instrument_id: str = example("BTCUSDT-PERP.BINANCE")
    position_id: str = example("BTCUSDT-PERP.BINANCE-EMACross-000")
    side: OrderSide = example("BUY")
    last_qty: Amount = example(0.2)
    last_px: Amount = example(46209.0)
    currency: str = example("USDT", "Currency of `last_px`.")
    commission: Amount = example(1.84836)
    commission_currency: str = example("USDT")
    liquidity_side: LiquiditySide = example("MAKER")
    realized_pnl: Amount = example(0.0, "Before commission, in the instrument's settlement currency.")
    event_id: UUID = example("ccad5538-2b9c-47bb-a083-9983e1e42b97")
    ts_event: Instant = example(LATER)


class Position(ResponseModel):
    """A position, computed from its fills."""

    position_id: str = example("BTCUSDT-PERP.BINANCE-EMACross-000")
    strategy_id: UUID = example(STRATEGY_ID)
    strategy_name: str = example("EMACross-000")
    account_id: str = example("BINANCE-001")
    instrument_id: str = example("BTCUSDT-PERP.BINANCE")
    status: PositionStatus = example("OPEN")
    entry: OrderSide = example("BUY")
    side: PositionSide = example("LONG")
    signed_qty: Amount = example(0.2)
    quantity: Amount = example(0.2)
    peak_qty: Amount = example(0.6)
    avg_px_open: Amount = example(46209.0)
    avg_px_close: Amount | None = example(None)
    currency: str = example("USDT")
    realized_pnl: Amount = example(0.0, "Before commissions, which are `total_fees`.")
    total_fees: Amount = example(1.84836)
    ts_opened: Instant = example(LATER)
    ts_closed: Instant | None = example(None)
    duration_ns: int | None = example(None, "From opening to closing; null while open.")


class DenyReason(ResponseModel):
    """Why an order was denied or rejected; null if it was neither."""

    client_order_id: str = example(ORDER_ID)
    status: OrderStatus = example("DENIED")
    deny_reason: str | None = example("BUDGET_EXCEEDED")


class CurrencyFills(ResponseModel):
    """Fills in one currency."""

    currency: Annotated[
        str, Field(description="The instruments' settlement currency; for fees, the currency they were paid in.")
    ]
    fills: int
    notional: Annotated[Amount, Field(description="In `currency`.")]
    realized_pnl: Amount
    total_fees: Amount


class InstrumentFills(ResponseModel):
    """Fills of one instrument."""

    instrument_id: str
    fills: int
    buy_qty: Amount
    sell_qty: Amount
    notional: Annotated[Amount, Field(description="In the instrument's settlement currency.")]


class FillsSummary(ResponseModel):
    """Sums of fills."""

    total_fills: int = example(2)
    buy_fills: int = example(1)
    sell_fills: int = example(1)
    first_ts: Instant | None = example(INSTANT)
    last_ts: Instant | None = example(LATER)
    by_currency: list[CurrencyFills] = example(
        [{"currency": "USDT", "fills": 2, "notional": 18483.6, "realized_pnl": 42.5, "total_fees": 1.2}]
    )
    by_instrument: list[InstrumentFills] = example(
        [{"instrument_id": "BTCUSDT-PERP.BINANCE", "fills": 2, "buy_qty": 0.2, "sell_qty": 0.2, "notional": 18483.6}]
    )


class Summary(ResponseModel):
    """Counts of signals, orders and fills."""

    signals: int = example(3)
    orders: int = example(200)
    fills: int = example(180)


class AuditEntry(ResponseModel):
    """A change, its author, and the values before and after."""

    id: int = example(1)
    ts: Instant = example(INSTANT)
    actor: str = example("key:ops")
    action: str = example("budget.set")
    entity_type: str = example("budget")
    entity_id: str = example(f"{STRATEGY_ID}/USDT")
    strategy_id: UUID | None = example(STRATEGY_ID)
    before: Document = example(None)
    after: Document = example({"allocated": "1000.0"})
    request_id: str | None = example("3f0c")


class BudgetSummaryResponse(ResponseModel):
    """How much a strategy may reserve in one currency, and how much it has reserved."""

    strategy_id: UUID = example(STRATEGY_ID)
    currency: str = example("USDT")
    allocated: Amount = example(1000.0, "Maximum that may be reserved.")
    reserved: Amount = example(200.0, "Holds of open orders and cost of open positions.")
    available: Amount = example(800.0, "`allocated - reserved`; negative while over budget.")
    realized_pnl: Amount = example(42.5, "Before commissions, which are `total_fees`.")
    total_fees: Amount = example(1.2)


class BudgetRequest(BaseModel):
    """The amount to allocate."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"allocated": 1000.0}, {"allocated": "1000.50"}]},
    )

    allocated: Annotated[
        Decimal,
        BeforeValidator(_from_digits),
        WithJsonSchema(
            {
                "description": "A JSON number, or a string of its digits as GraphQL writes amounts; not negative, at "
                f"most {DIGITS_MAX} digits on either side of the point. Every digit is kept.",
                "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DIGITS}],
            }
        ),
    ]


class RealizedPnl(ResponseModel):
    """Realized profit before fees, and fees, both by currency."""

    strategy_id: UUID = example(STRATEGY_ID)
    realized_pnl: dict[str, Amount] = example({"USDT": 42.5})
    total_fees: dict[str, Amount] = example({"USDT": 1.2})


class Health(ResponseModel):
    """The process is alive."""

    status: Annotated[str, WithJsonSchema({"type": "string", "const": "ok"})] = example("ok")


class DatabaseCheck(ResponseModel):
    """Whether the database answers, and the revision of its schema."""

    is_reachable: bool
    schema_revision: Annotated[str | None, Field(description="Null if the database does not answer.")]
    schema_expected: Annotated[str, Field(description="The revision that this release requires.")]


class FeedCheck(ResponseModel):
    """The state of this process's change feed."""

    is_connected: bool
    lag_seconds: Annotated[
        float, Field(description="How long the oldest stored change has waited for earlier transactions to end.")
    ]


class RegistryCheck(ResponseModel):
    """The age of this process's registry of budgets."""

    age_seconds: Annotated[float | None, Field(description="Every older change is included; null if never read.")]


class Readiness(ResponseModel):
    """Whether the process can serve requests."""

    status: Annotated[str, WithJsonSchema({"type": "string", "enum": ["ready", "not ready"]})] = example("ready")
    database: DatabaseCheck = example({"is_reachable": True, "schema_revision": "0006", "schema_expected": "0006"})
    feed: FeedCheck = example({"is_connected": True, "lag_seconds": 0.0})
    registry: RegistryCheck = example({"age_seconds": 0.4})
