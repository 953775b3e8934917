"""Trading states together: of a strategy's own state and that of all trading, the stricter one decides. Pure."""

from app.rules.enums import TradingState

_STRICTNESS = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


def stricter(one: TradingState, other: TradingState) -> TradingState:
    """The state that allows less: HALTED before REDUCING before ACTIVE."""
    return one if _STRICTNESS[one] >= _STRICTNESS[other] else other
