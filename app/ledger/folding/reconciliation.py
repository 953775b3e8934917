"""Continuous reconciliation: the engine's reports of positions are compared with the ledger as they arrive.

    fills ─> positions ─> the states after each fill (Trail) ─┐
    position events ──────────────────────────────────────────┴─> discrepancies

A report describes the position after the fill with its `ts_event`. Reports may arrive before or after their fills, or
twice. The reports of a recomputed position are compared again. No reported figure is adopted. Run under
`localcontext(EXACT)`.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, all_, exists, select

from app.database import WriteConnection
from app.event_codec import decode_stored
from app.ledger.batch import Arrival, NewFill, PositionChanges, PositionKey, PositionRecord, Trail
from app.ledger.folding.positions import START, book_fills, recompute
from app.ledger.storage.locks import LockedStrategy
from app.ledger.storage.queries import array_source, arrays_of, is_any_of, join_by, parameter, sql
from app.ledger.storage.row_mapping import Row, columns_of, key_of, table_of
from app.ledger.storage.rows import position_of
from app.ledger.storage.writing import Delete, Merge, TableWrite
from app.models.instruments import Discrepancy
from app.models.orders import Fill, OrderEvent, Position
from app.rules.enums import DiscrepancyKind, Reconciliation
from app.rules.events import AnyPositionEvent
from app.rules.positions import FillPlace, PositionState
from app.rules.reconciliation import Difference, PositionReport, closest, read_report

_COLUMNS = columns_of(Discrepancy)
_STORED = f"""
SELECT d.strategy_id::text, d.position_id, d.event_id::text, d.kind, d.position_n
FROM {array_source("strategy_id uuid", "position_id text", "since bigint")} k
{join_by("discrepancies", "d", "k", "strategy_id", "position_id", also="ts_event >= k.since")}
"""
_EVENTS, _FILLS, _POSITIONS, _DISPUTES = (table_of(one).c for one in (OrderEvent, Fill, Position, Discrepancy))


def _of_position(columns: Any) -> tuple[ColumnElement[bool], ...]:
    return columns.strategy_id == parameter(1), columns.position_id == parameter(2)


_IS_OTHER = _DISPUTES.event_id != all_(parameter(4))
_IN_BASE = _FILLS.commission_currency != _FILLS.currency
_OTHERS = sql(select(exists().where(*_of_position(_DISPUTES), _DISPUTES.position_n == parameter(3), _IS_OTHER)))
_PAYLOADS = select(_EVENTS.payload).where(_EVENTS.variant == 0)
_REPORTS_SINCE = sql(_PAYLOADS.where(*_of_position(_EVENTS), _EVENTS.ts_event >= parameter(3)).order_by(_EVENTS.seq))
_REPORTS = sql(_PAYLOADS.where(_EVENTS.strategy_id == parameter(1), is_any_of(_EVENTS.event_id, 2)))
_RECORD = sql(select(table_of(Position)).where(*_of_position(_POSITIONS), _POSITIONS.n == parameter(3)))
_PAID_BASE_FEES = sql(select(exists().where(*_of_position(_FILLS), _IN_BASE, _FILLS.commission != 0)))
_WITH_BASE_FEES = sql(select(_FILLS.position_id).distinct().where(_FILLS.strategy_id == parameter(1), _IN_BASE))

Disputed = dict[str, list[tuple[str, int | None]]]
"""Stored discrepancies of a position: (kind, position_n) by event id."""


@dataclass(slots=True)
class Reconciled:
    """Discrepancies to store and to delete, and engines found to deduct base fees."""

    found: list[Row] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    deducting: set[str] = field(default_factory=set)
    """Strategies whose engine was found to deduct base-currency commissions from the position."""

    def writes(self) -> list[TableWrite]:
        """The rows to delete and to store. No row is in both, because one statement may do both."""
        found = {row[:3]: row for row in self.found}
        settled = [key for key in self.settled if key not in found]
        return [Delete(Discrepancy, key_of(Discrepancy), settled), Merge(Discrepancy, _COLUMNS, list(found.values()))]


async def book_and_reconcile(
    work: WriteConnection,
    fills: Sequence[NewFill],
    reports: Sequence[Arrival],
    strategies: Mapping[str, LockedStrategy],
) -> tuple[PositionChanges, Reconciled]:
    """Apply new fills to positions, and compare the engine's reports with the positions. Writes nothing.

    If reports show that an engine deducts base fees, its strategy's positions are recomputed that way.
    """
    news: dict[PositionKey, list[Arrival]] = {}
    for report in reports:
        news.setdefault((report.strategy_id, report.event.position_id), []).append(report)  # type: ignore[union-attr,arg-type]
    changes = await book_fills(work, fills, strategies, news)
    reconciled = await reconcile(work, news, changes, strategies)
    if reconciled.deducting:
        found = reconciled.deducting
        for strategy_id in found:
            strategies[strategy_id].deducts_base_fees = True
        changes = await book_fills(work, fills, strategies, news, anew=found)
        for strategy_id in sorted(found):
            for row in await work.fetch(_WITH_BASE_FEES, strategy_id):
                key = (strategy_id, row["position_id"])
                if key not in changes.recomputed:
                    await recompute(work, key, [], changes, deducts_base_fees=True, since=START)
        reconciled = await reconcile(work, news, changes, strategies)
        reconciled.deducting = found
    return changes, reconciled


async def reconcile(
    work: WriteConnection,
    news: Mapping[PositionKey, Sequence[Arrival]],
    changes: PositionChanges,
    strategies: Mapping[str, LockedStrategy],
) -> Reconciled:
    """Compare new reports, and stored reports of positions that changed. Adds to `changes.records`."""
    result = Reconciled()
    disputed = await _load_disputed(work, changes)
    for key in dict.fromkeys((*news, *disputed, *changes.recomputed)):
        position = _Position(work, key, changes, strategies[key[0]].deducts_base_fees)
        await position.compare_again(disputed.get(key, {}), result)
        for arrival in news.get(key, ()):
            await position.compare(arrival.event, result)  # type: ignore[arg-type]
        await position.mark(result)
    return result


async def _load_disputed(work: WriteConnection, changes: PositionChanges) -> dict[PositionKey, Disputed]:
    """Stored discrepancies that fills of this transaction may settle."""
    since = {
        # Discrepancies of an unknown position may concern another instrument than the position has now.
        key: 0 if key not in changes.latest else changes.recomputed.get(key, min(trail))
        for key, trail in changes.trails.items()
        if trail
    }
    disputed: dict[PositionKey, Disputed] = {}
    if since:
        for row in await work.fetch(_STORED, *arrays_of((*key, str(first)) for key, first in since.items())):
            of_position = disputed.setdefault((row["strategy_id"], row["position_id"]), {})
            of_position.setdefault(row["event_id"], []).append((row["kind"], row["position_n"]))
    return disputed


class _Position:
    """One position, and its reports that are compared in this transaction."""

    def __init__(self, work: WriteConnection, key: PositionKey, changes: PositionChanges, deducts: bool) -> None:
        self._work = work
        self._key = key
        self._changes = changes
        self._deducts = deducts
        self._trail: Trail = changes.trails.get(key, {})
        self._latest = changes.latest.get(key)
        self._verdicts: dict[int, Reconciliation] = {}
        self._settled: dict[str, int | None] = {}
        self._news: list[AnyPositionEvent] = []
        self._deducted: Trail | None = None

    async def compare_again(self, disputed: Disputed, result: Reconciled) -> None:
        """Compare stored reports again if this transaction's fills concern them."""
        since = self._changes.recomputed.get(self._key)
        if since is not None:
            rows = await self._work.fetch(_REPORTS_SINCE, *self._key, since)
        elif disputed:
            rows = await self._work.fetch(_REPORTS, self._key[0], list(disputed))
        else:
            return
        for row in rows:
            event = decode_stored(row["payload"])
            assert isinstance(event, AnyPositionEvent)
            report = read_report(event)
            if self._is_of_another_instrument(event):
                result.settled += [(self._key[0], event.event_id, kind) for kind, _ in disputed.get(event.event_id, [])]
                continue
            if report.ts_event not in self._trail:
                continue  # No fill of this transaction concerns it.
            states = await self._states_at(report)
            before = disputed.get(event.event_id, [])
            result.settled += [(self._key[0], event.event_id, kind) for kind, _ in before]
            for _, n in before:
                self._settled[event.event_id] = n
            await self._judge(event, report, states, result)

    async def compare(self, event: AnyPositionEvent, result: Reconciled) -> None:
        """Compare a new report."""
        if self._is_of_another_instrument(event):
            return
        self._news.append(event)
        report = read_report(event)
        states = await self._states_at(report)
        if not states:
            result.found.append(self._row(event, None, _missing(report)))
            return
        await self._judge(event, report, states, result)

    async def mark(self, result: Reconciled) -> None:
        """Set `reconciliation` on each compared generation."""
        settled = {n for n in self._settled.values() if n is not None}
        for n in settled | self._verdicts.keys():
            record = await self._record(n)
            if record is None:
                continue
            verdict = self._verdicts.get(n) or await self._verdict_anew(n, record)
            still = record.reconciliation is Reconciliation.DIFFERS and verdict is Reconciliation.AGREES
            others = (*self._key, n, list(self._settled))
            if still and (n not in settled or await self._work.fetchval(_OTHERS, *others)):
                verdict = Reconciliation.DIFFERS
            if verdict is not record.reconciliation:
                if (*self._key, n) not in self._changes.records:
                    record = copy(before := record)
                    record.before = before
                    self._changes.records[(*self._key, n)] = record
                record.reconciliation = verdict

    async def _judge(
        self, event: AnyPositionEvent, report: PositionReport, states: Sequence[PositionState], result: Reconciled
    ) -> None:
        state, found = closest(report, states)
        if found and await self._shows_deduction(report, found):
            result.deducting.add(self._key[0])
        result.found += [self._row(event, state.n, difference) for difference in found]
        if found:
            self._verdicts[state.n] = Reconciliation.DIFFERS
        else:
            self._verdicts.setdefault(state.n, Reconciliation.AGREES)

    def _row(self, event: AnyPositionEvent, n: int | None, difference: Difference) -> Row:
        of_event = (event.position_id, n, event.instrument_id, event.ts_event)
        return self._key[0], event.event_id, difference.kind.value, *of_event, difference.ledger, difference.engine

    def _is_of_another_instrument(self, event: AnyPositionEvent) -> bool:
        """Whether another instrument has this position id here: then reports are not compared."""
        record = self._latest or self._changes.records.get((*self._key, 1))
        return record is not None and record.instrument_id != event.instrument_id

    async def _states_at(self, report: PositionReport) -> list[PositionState]:
        """The position's states after each fill of that instant, stored or new, in the order of the fills."""
        instant, latest = report.ts_event, self._latest
        new, begin = self._trail.get(instant, []), self._changes.recomputed.get(self._key)
        if latest is None or latest.last[0] < instant or (begin is not None and begin < instant):
            return new  # No other fill of that instant is stored.
        if begin is None and latest.last[0] == instant and (latest.first[0] < instant or latest.state.n == 1):
            # One generation has all stored fills of the instant, and usually the report describes the state after the
            # last. If a later generation agrees, an earlier state of this one may agree first: then all are needed.
            states = [latest.state, *new]
            state, found = closest(report, states)
            if not found and state.n == latest.state.n:
                return states
        stored = await self._stored_trail(FillPlace(instant, -1, -1, -1))
        return [*stored.get(instant, []), *new]

    async def _stored_trail(self, since: FillPlace) -> Trail:
        """The position's states after each stored fill, from the generation of `since`, none recomputed here."""
        scratch = PositionChanges(valuations=dict(self._changes.valuations))
        await recompute(self._work, self._key, [], scratch, deducts_base_fees=self._deducts, since=since)
        trail = scratch.trails.get(self._key, {})
        if self._key not in self._changes.recomputed:
            return trail
        again = min((state.n for states in self._trail.values() for state in states), default=None)
        if again is None:
            return trail
        return {ts: [state for state in states if state.n < again] for ts, states in trail.items()}

    async def _verdict_anew(self, n: int, record: PositionRecord) -> Reconciliation:
        """The verdict on a generation after its only differing report turned out to concern another generation."""
        if self._key in self._changes.recomputed and (*self._key, n) in self._changes.records:
            return Reconciliation.NOT_REPORTED  # its reports were all compared again
        trail = await self._stored_trail(record.first)
        for instant, states in self._trail.items():
            trail.setdefault(instant, []).extend(states)
        rows = await self._work.fetch(_REPORTS_SINCE, *self._key, record.first[0])
        events = [*(decode_stored(row["payload"]) for row in rows), *self._news]
        concerned = [event for event in events if not self._is_of_another_instrument(event)]  # type: ignore[arg-type]
        _, verdicts = compare_all(concerned, trail)  # type: ignore[arg-type]
        return verdicts.get(n, Reconciliation.NOT_REPORTED)

    async def _shows_deduction(self, report: PositionReport, found: Iterable[Difference]) -> bool:
        """Whether the report agrees if base-currency commissions are deducted from the position."""
        if self._deducts or all(difference.kind is not DiscrepancyKind.QUANTITY for difference in found):
            return False
        if self._deducted is None:
            self._deducted = await self._deducted_trail()
        states = self._deducted.get(report.ts_event, [])
        return bool(states) and not closest(report, states)[1]

    async def _deducted_trail(self) -> Trail:
        """The position's states with base-currency commissions deducted; empty if the position paid none."""
        news = [copy(one) for one in self._changes.fills if (one.strategy_id, one.position_id) == self._key]
        pays = any(one.fill.commission_currency != one.fill.currency and one.fill.commission for one in news)
        if not pays and not await self._work.fetchval(_PAID_BASE_FEES, *self._key):
            return {}
        scratch = PositionChanges(valuations=dict(self._changes.valuations))
        await recompute(self._work, self._key, news, scratch, deducts_base_fees=True, since=START)
        return scratch.trails.get(self._key, {})

    async def _record(self, n: int) -> PositionRecord | None:
        """The generation after this transaction; None if the transaction removes it."""
        if (*self._key, n) in self._changes.removed:
            return None
        if (moved := self._changes.records.get((*self._key, n))) is not None:
            return moved
        if self._latest is not None and self._latest.state.n == n:
            return self._latest
        row = await self._work.fetchrow(_RECORD, *self._key, n)
        return position_of(row) if row is not None else None


def _missing(report: PositionReport) -> Difference:
    quantity = f"{report.signed_qty:f}" if report.signed_qty is not None else "a position"
    return Difference(DiscrepancyKind.FILL_MISSING, None, quantity)


def compare_all(
    reports: Iterable[AnyPositionEvent], trail: Trail
) -> tuple[dict[str, tuple[int | None, list[Difference]]], dict[int, Reconciliation]]:
    """Compare all reports of a position with all its states. Returns the differences by event id (the generation
    concerned, the figures) and the verdict on each generation.
    """
    differing: dict[str, tuple[int | None, list[Difference]]] = {}
    verdicts: dict[int, Reconciliation] = {}
    for event in reports:
        report = read_report(event)
        states = trail.get(report.ts_event)
        if not states:
            differing[event.event_id] = None, [_missing(report)]
            continue
        state, found = closest(report, states)
        if found:
            differing[event.event_id] = state.n, found
            verdicts[state.n] = Reconciliation.DIFFERS
        else:
            verdicts.setdefault(state.n, Reconciliation.AGREES)
    return differing, verdicts
