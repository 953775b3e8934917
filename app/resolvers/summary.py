"""How much of everything there is."""

from app.reads import Answer, Form, Selection, Want, answer
from app.reads.catalogue import SUMMARY
from app.resolvers.context import Context


async def get_summary(context: Context, selection: Selection) -> Answer:
    """Counts of signals, orders and fills, from kept totals."""
    return await answer(context.database, SUMMARY, Want(selection, Form.ONE))
