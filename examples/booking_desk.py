"""A restaurant's booking desk with a database: tables that are free, bookings that are the caller's own.

BOOKINGS=bookings.sqlite OPENAI_API_KEY=sk-… ringbridge talk --brain examples/booking_desk.py:reply
"""

import os
import sqlite3
from datetime import datetime
from typing import Annotated

from pydantic import Field

from ringbridge import Agent, Call, NotAllowed, tool

SEATS = 24
"""So many guests are served at the same hour."""

database = sqlite3.connect(os.environ.get("BOOKINGS", ":memory:"), isolation_level=None, check_same_thread=False)
database.execute(
    "CREATE TABLE IF NOT EXISTS booking"
    " (id INTEGER PRIMARY KEY, caller TEXT NOT NULL, at TEXT NOT NULL, party INTEGER NOT NULL)"
)

Party = Annotated[int, Field(ge=1, le=12, description="How many people come.")]


def _hour(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:00")


def _free(at: datetime) -> int:
    (taken,) = database.execute("SELECT coalesce(sum(party), 0) FROM booking WHERE at = ?", (_hour(at),)).fetchone()
    return SEATS - int(taken)


@tool
async def free_seats(at: datetime) -> str:
    """Look up how many seats are free at a day and hour."""
    return f"{_free(at)} seats are free on {at:%A, %d %B} at {at:%H} o'clock."


@tool(confirm="Shall I book a table for {party} on {at}?")
async def book_table(call: Call, party: Party, at: datetime) -> str:
    """Book a table for this caller."""
    if at < datetime.now(at.tzinfo):
        raise NotAllowed("that hour has passed already")
    if _free(at) < party:
        raise NotAllowed(f"only {_free(at)} seats are free then")
    database.execute("INSERT INTO booking (caller, at, party) VALUES (?, ?, ?)", (call.caller, _hour(at), party))
    return f"Booked: {party} people on {at:%A, %d %B} at {at:%H} o'clock."


@tool
async def my_bookings(call: Call) -> str:
    """Look up the bookings of this caller; nobody else's can be seen."""
    rows = database.execute("SELECT at, party FROM booking WHERE caller = ? ORDER BY at", (call.caller,)).fetchall()
    return "; ".join(f"{at}: {party} people" for at, party in rows) or "There are none."


@tool(confirm="Shall I cancel all your bookings?")
async def cancel_bookings(call: Call) -> str:
    """Cancel the bookings of this caller."""
    count = database.execute("DELETE FROM booking WHERE caller = ?", (call.caller,)).rowcount
    return f"{count} cancelled."


reply = Agent(tools=[free_seats, book_table, my_bookings, cancel_bookings])
