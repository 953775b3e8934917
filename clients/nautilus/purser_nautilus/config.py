"""The settings of the actor and of the gate."""

from typing import Literal

from nautilus_trader.common.config import ActorConfig, NautilusConfig

SPOOL_BYTES_MIN = 1024 * 1024


class PurserActorConfig(ActorConfig, frozen=True):  # type: ignore[call-arg]
    """How an engine is reported.

    Parameters
    ----------
    url : str
        The address of the service, for example `http://127.0.0.1:8000`.
    key : str, optional
        The API key; its role must be trader or admin.
    spool_dir : str
        The folder of the spool. Each trader id has a subfolder.
    spool_bytes_max : int
        The most bytes that wait on disk while the service is away, at least 1 MiB. When the spool is full, events are
        dropped, and orders are reported whole from the engine's cache once there is room.
    spool_fsync : bool
        Whether each batch is written through to the disk. Without it events survive the death of the process, not the
        loss of power.
    request_seconds_max : float
        The longest time of one request.
    rest_seconds : float
        The least time between two requests that report events; what happens meanwhile is sent together.
    flush_seconds_max : float
        The longest wait for the service when the engine is disposed.
    """

    url: str = "http://127.0.0.1:8000"
    key: str | None = None
    spool_dir: str = "purser-spool"
    spool_bytes_max: int = 256 * 1024 * 1024
    spool_fsync: bool = False
    request_seconds_max: float = 30.0
    rest_seconds: float = 0.05
    flush_seconds_max: float = 30.0

    def __post_init__(self) -> None:
        if self.spool_bytes_max < SPOOL_BYTES_MIN:
            raise ValueError(f"spool_bytes_max must be at least {SPOOL_BYTES_MIN}, not {self.spool_bytes_max}")


class PurserGateConfig(NautilusConfig, frozen=True):  # type: ignore[call-arg]
    """Which orders are asked for, and what happens without an answer.

    Parameters
    ----------
    strategies : list[str], optional
        The ids of the guarded strategies; by default all.
    question_seconds_max : float
        The longest wait for an answer.
    unavailable : "deny" or "submit"
        What happens to an order without an answer: it is denied (`PURSER_UNAVAILABLE`), or submitted unasked.
    recheck_seconds : float
        A grant that is older when the order is sent (emulated and primary orders) is checked again: trading may have
        been halted since.
    orders_max : int
        The most orders of one question of a live node.
    """

    strategies: list[str] | None = None
    question_seconds_max: float = 2.0
    unavailable: Literal["deny", "submit"] = "deny"
    recheck_seconds: float = 1.0
    orders_max: int = 100
