"""The demonstration: an agent with two tools, as one would write it. The offline twin of a model plays the model."""

import asyncio
from typing import Annotated

from pydantic import Field

from ringbridge.brains.agent import Agent
from ringbridge.tools.tool import tool

__all__ = ["reply"]

LOOKUP_SECONDS = 1.6
"""A booking system takes its time: the caller is told to wait a moment."""


@tool
async def book_table(party: Annotated[int, Field(ge=1, le=12)]) -> str:
    """Book a table for tonight.

    Args:
        party: How many people come.

    """
    await asyncio.sleep(LOOKUP_SECONDS)
    return f"A table for {party} is booked for seven tonight."


@tool
async def change_booking(party: Annotated[int, Field(ge=1, le=12)]) -> str:
    """Change how many people come to the table that this caller has booked.

    Args:
        party: How many people come now.

    """
    return f"The booking is for {party} now."


reply = Agent(tools=[book_table, change_booking])
