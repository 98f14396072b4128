"""Order: what must come before what. Pure graph work on hashable nodes; the order is stable."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def components(nodes: Iterable[N], before: Mapping[N, Iterable[N]]) -> list[list[N]]:
    """Strongly connected components in topological order (Tarjan's algorithm, without recursion).

    :param nodes: the nodes; their order decides where dependencies leave a choice.
    :param before: node to the nodes that must come before it.
    :return: components, each in the order of ``nodes``; one with several members is a circle.

    >>> components(["address", "user"], {"address": ["user"]})
    [['user'], ['address']]
    """
    order = {node: i for i, node in enumerate(nodes)}
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    stack: list[N] = []
    on_stack: set[N] = set()
    found: list[list[N]] = []
    for root in order:
        if root in index:
            continue
        work = [(root, iter(_known(before, root, order)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    members = stack[at:]
                    del stack[at:]
                    on_stack.difference_update(members)
                    found.append(sorted(members, key=order.__getitem__))
            elif step not in index:
                index[step] = low[step] = len(index)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(_known(before, step, order))))
            elif step in on_stack:
                low[node] = min(low[node], index[step])
    return found


def _known(before: Mapping[N, Iterable[N]], node: N, order: Mapping[N, int]) -> list[N]:
    return sorted({n for n in before.get(node, ()) if n in order}, key=order.__getitem__)


def rounds(before: Mapping[N, Collection[N]]) -> Iterator[list[N]]:
    """The nodes that wait for none, then those that waited only for these, and so on; nodes in a circle never come.

    :param before: every node to the nodes that must come before it.

    >>> list(rounds({"b": ["a"], "a": []}))
    [['a'], ['b']]
    """
    waiting = {node: sum(first in before for first in set(firsts)) for node, firsts in before.items()}
    then: dict[N, list[N]] = {}
    for node, firsts in before.items():
        for first in set(firsts):
            then.setdefault(first, []).append(node)
    ready = [node for node, count in waiting.items() if not count]
    while ready:
        yield ready
        following = []
        for node in ready:
            for other in then.get(node, ()):
                waiting[other] -= 1
                if not waiting[other]:
                    following.append(other)
        ready = following
