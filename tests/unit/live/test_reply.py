"""How a reply's pieces come: those that are there together without a wait between, but never endlessly many."""

import asyncio

from ringbridge.brain.events import ReplySaid
from ringbridge.live.reply import PIECES_AT_ONCE, Reply


async def test_a_few_pieces_come_at_once_and_then_others_have_their_turn():
    said_by_turn = [0]

    async def brain():
        for _ in range(2 * PIECES_AT_ONCE):
            yield "word "

    def tell(event):
        said_by_turn[-1] += isinstance(event, ReplySaid)

    async with asyncio.TaskGroup() as tasks:
        Reply(1, brain, tell=tell, tasks=tasks, name="reply 1")
        for _ in range(3):
            await asyncio.sleep(0)
            said_by_turn.append(0)
    assert [count for count in said_by_turn if count] == [PIECES_AT_ONCE, PIECES_AT_ONCE]
