"""The Merkle tree of RFC 6962 (section 2.1) over stream heads: root and audit path.

A leaf is ``H(0x00 || canonical JSON of [stream, length, head])``, a node ``H(0x01 || left || right)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from portal.audit.hashing import canonical, raw_digest


def leaf(algorithm: str, stream: str, length: int, head: str) -> bytes:
    """The hash of one stream's head."""
    return raw_digest(algorithm, b"\x00" + canonical([stream, length, head]))


def node(algorithm: str, left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return raw_digest(algorithm, b"\x01" + left + right)


def root(algorithm: str, leaves: Iterable[bytes]) -> tuple[bytes, int]:
    """The root over ``leaves`` in order, and how many they are; memory grows with the logarithm of their number."""
    complete: list[tuple[int, bytes]] = []  # subtrees of falling size
    count = 0
    for current in leaves:
        count += 1
        size = 1
        while complete and complete[-1][0] == size:
            current = node(algorithm, complete.pop()[1], current)
            size *= 2
        complete.append((size, current))
    if not complete:
        return raw_digest(algorithm, b""), 0
    found = complete.pop()[1]
    while complete:
        found = node(algorithm, complete.pop()[1], found)
    return found, count


def path(algorithm: str, leaves: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    """The siblings from the leaf at ``index`` up to the root, each with the side on which it stands."""
    if len(leaves) <= 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        other, _count = root(algorithm, leaves[split:])
        return [*path(algorithm, leaves[:split], index), ("right", other)]
    other, _count = root(algorithm, leaves[:split])
    return [*path(algorithm, leaves[split:], index - split), ("left", other)]
