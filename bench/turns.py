"""Queries several servers in turns, so that a change of the machine's load affects all of them."""

from bench.http_load import requests_per_second

CONNECTIONS = 8
ROUNDS = 5
WARM_UP_SECONDS = 1.0
ROUND_SECONDS = 1.0

Figures = dict[str, list[float]]


async def in_turns(requests: dict[str, tuple[int, bytes]]) -> Figures:
    """Requests per second of each server, round by round; `requests` has the port and bytes of each."""
    for port, request in requests.values():
        await requests_per_second(port, request, CONNECTIONS, WARM_UP_SECONDS)
    figures: Figures = {name: [] for name in requests}
    for number in range(ROUNDS):
        # The first server in a round has the cooler machine, so the order rotates.
        names = list(requests)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figures[name].append(await requests_per_second(*requests[name], CONNECTIONS, ROUND_SECONDS))
    return figures
