"""Which bytes are still on their way between two sockets of one event loop.

What is sent to the own machine can nearly always be read when `send` returns, but not always: a busy kernel puts
the delivery off, and a full window holds it back. A clock that jumps must not take that moment for silence.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE

from ringbridge.emulator.kernel import Address, ByteCounts, Identity, Kind, byte_counts, identify, inode

__all__ = ["End", "Ends"]


@dataclass(slots=True, eq=False)
class End:
    """One end of a TCP connection, or of one that is being made.

    `events` is what the loop waits for there; 0 while its reading is paused.
    """

    fd: int
    identity: Identity
    events: int = 0
    closed: bool = False
    other: "End | None" = None


class Ends:
    """The sockets that a loop has waited for, paired by their addresses.

    An end stays known when the loop stops waiting for it: one that has paused its reading may still be sending.
    """

    def __init__(self) -> None:
        self._count = byte_counts()
        self._ends: dict[int, End] = {}
        self._by_name: dict[tuple[Address, Address], End] = {}
        self._ports: set[int] = set()
        self._connecting: dict[int, End] = {}
        self._strange: set[int] = set()
        self._pairs: list[tuple[End, End]] | None = None
        self._outside = False

    @property
    def blind(self) -> bool:
        """True where the kernel does not tell what is on its way: `late` finds nothing there."""
        return self._count is None

    def watch(self, fd: int, events: int) -> None:
        """Learn that the loop waits for `events` at `fd` from now on."""
        self._pairs = None
        end = self._ends.get(fd)
        if end is None or not end.events:
            end = self._meet(fd, events)
        if end is not None:
            end.events = events

    def unwatch(self, fd: int) -> None:
        """Learn that the loop waits for nothing at `fd` any more: it is paused, or about to be closed."""
        self._pairs = None
        self._strange.discard(fd)
        self._connecting.pop(fd, None)
        if fd in self._ends:
            self._ends[fd].events = 0

    def late(self) -> list[End]:
        """Tell the connections at which the loop waits for something that is bound to come soon.

        To be asked when nothing is ready. Ask afterwards whether something is, as it may come at any moment.
        """
        count = self._count
        if count is None:
            return []
        late = list(self._connecting.values())
        for one, other in self._known_pairs():
            if one.events == other.events == EVENT_READ:  # nearly all of them, and each jump asks for all
                said, heard = count(one.fd), count(other.fd)
                if said and heard and said[0] <= heard[1] and heard[0] <= said[1]:
                    continue
            if self._is_late(one, other, count):
                late.append(one)
        return late

    def outside(self) -> bool:
        """Whether the loop waits for somebody out of its sight to say something.

        That is a pipe, a datagram socket, or a connection that was made to another process or loop. Clients from
        there don't count: nobody waits for what they will ask.
        """
        self._known_pairs()
        return self._outside

    def give_up(self, late: Iterable[End]) -> None:
        """Part these from their partners: as nothing came, the other end must be out of sight."""
        self._pairs = None
        for end in late:
            if self._connecting.pop(end.fd, None):
                self._strange.add(end.fd)
            elif end.other is not None:
                end.other.other = None
                end.other = None

    def _meet(self, fd: int, events: int) -> End | None:
        """Find out what is registered here; None when it is no connection."""
        identity = identify(fd)
        known = self._ends.get(fd)
        if known is not None and known.identity == identity and not known.closed:
            return known
        if known is not None:
            self._lose(known)
        match identity.kind:
            case Kind.CONNECTED:
                return self._pair(End(fd, identity))
            case Kind.UNCONNECTED if events & EVENT_WRITE:
                self._connecting[fd] = End(fd, identity)
            case Kind.UNCONNECTED:
                self._ports.add(identity.local[1])
            case Kind.OTHER:
                self._strange.add(fd)
            case Kind.UNIX:
                pass
        return None

    def _pair(self, end: End) -> End:
        self._connecting.pop(end.fd, None)
        self._strange.discard(end.fd)
        local, peer = end.identity.local, end.identity.peer
        end.other = self._by_name.get((peer, local))
        if end.other is not None:
            end.other.other = end
        self._ends[end.fd] = self._by_name[local, peer] = end
        return end

    def _lose(self, end: End) -> None:
        """Forget a closed end; its partner learns of it by the flag."""
        end.closed = True
        self._ends.pop(end.fd, None)
        name = (end.identity.local, end.identity.peer)
        if self._by_name.get(name) is end:
            del self._by_name[name]

    def _known_pairs(self) -> list[tuple[End, End]]:
        if self._pairs is None:
            self._pairs = list(self._pairs_that_matter())
            alone = (end for end in self._ends.values() if end.events and end.other is None)
            self._outside = bool(self._strange) or any(not self._is_ours(end.identity) for end in alone)
        return self._pairs

    def _pairs_that_matter(self) -> Iterator[tuple[End, End]]:
        for end in self._ends.values():
            other = end.other
            # A pair of which both ends are waited for is met twice.
            if other is not None and end.events and (not other.events or end.fd < other.fd):
                yield end, other

    def _is_ours(self, identity: Identity) -> bool:
        return identity.local[1] in self._ports or identity.peer[1] in self._ports

    def _is_late(self, one: End, other: End, count: ByteCounts) -> bool:
        said, heard = self._counted(one, count), self._counted(other, count)
        return _under_way(one, said, other, heard) or _under_way(other, heard, one, said)

    def _counted(self, end: End, count: ByteCounts) -> tuple[int, int] | None:
        if end.closed:
            return None
        if not end.events and inode(end.fd) != end.identity.inode:
            self._lose(end)
            return None
        return count(end.fd)


def _under_way(sender: End, said: tuple[int, int] | None, receiver: End, heard: tuple[int, int] | None) -> bool:
    """Tell whether something goes from `sender` to `receiver`, or must: each with its counts, None when closed."""
    if heard is None:  # the sender's next write will fail, which makes it ready to be told so
        return said is not None and bool(sender.events & EVENT_WRITE)
    if not receiver.events & EVENT_READ:  # nobody takes it, so time has to go on
        return False
    # A closed sender's end is still to come. One that waits for room gets it, as the receiver reads all it can.
    return said is None or bool(sender.events & EVENT_WRITE) or said[0] > heard[1]
