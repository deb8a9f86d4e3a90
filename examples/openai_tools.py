"""An OpenAI model with a tool: it books a table, once the caller has said yes to the very words of the booking.

OPENAI_API_KEY=sk-… ringbridge talk --brain examples/openai_tools.py:reply
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ringbridge import Agent, tool


@tool(confirm="Shall I book a table for {party} on {at}?")
async def book_table(party: Annotated[int, Field(ge=1, le=12)], at: datetime) -> str:
    """Book a table.

    Args:
        party: How many people come.
        at: Day and time, in local time.

    """
    return f"Booked: a table for {party} on {at:%A} at {at:%H:%M}."


reply = Agent(tools=[book_table])
