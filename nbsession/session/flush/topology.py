"""Order: what must come before what. Pure graph work on hashable nodes; the order is stable, and a circle is named."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from nbsession.exc import CircularDependencyError

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


def levels(nodes: Iterable[N], before: Mapping[N, Iterable[N]]) -> dict[N, int]:
    """How many steps each node must wait: 0 for those that wait for none.

    :param before: node to the nodes that must come before it; nodes that are not among ``nodes`` do not count.
    :raises CircularDependencyError: nodes wait for each other.

    >>> levels(["b", "a"], {"b": ["a"]})
    {'a': 0, 'b': 1}
    """
    depth: dict[N, int] = {}
    for members in components(nodes, before):
        if len(members) > 1 or members[0] in before.get(members[0], ()):
            raise CircularDependencyError(
                f"Circular dependency detected: these rows need each other's keys: {', '.join(dict.fromkeys(map(str, members)))}."
            )
        (node,) = members
        depth[node] = max((depth[n] + 1 for n in before.get(node, ()) if n in depth), default=0)
    return depth
