"""Several servers asked in turns, so that what the machine does meanwhile hits all of them."""

from bench.http_load import requests_per_second

CONNECTIONS = 8
ROUNDS = 5
WARM_UP_SECONDS = 1.0
ROUND_SECONDS = 1.0

Figures = dict[str, list[float]]


async def in_turns(requests: dict[str, tuple[int, bytes]]) -> Figures:
    """Requests per second of each server, round by round; `requests` says where and what to ask."""
    for port, request in requests.values():
        await requests_per_second(port, request, CONNECTIONS, WARM_UP_SECONDS)
    figures: Figures = {name: [] for name in requests}
    for number in range(ROUNDS):
        # Whoever goes first has the cooler machine: the order rotates.
        names = list(requests)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figures[name].append(await requests_per_second(*requests[name], CONNECTIONS, ROUND_SECONDS))
    return figures
