"""How often Python looks for reference cycles, in processes that make many objects and hardly a cycle."""

import gc

ALLOCATIONS = 50_000
"""Objects made, less objects gone, between two looks."""


def collect_seldom() -> None:
    """Look at every 50,000th object instead of every 700th, and never again at what is there now.

    A batch of orders makes some ten thousand objects that live until it is written: looking at them over and over costs
    a tenth of the time, and a look at everything that was ever imported stops all clients for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)
