"""Writes the code that runs once per row or object: constructor, row loader, parameter extractor.

Generated source is ordinary source: :class:`Generated` keeps the text beside the function, for tests and for the curious.
Knows column keys and value processors; moves no state (the unit of work does, with what ``load`` puts into ``born``).
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple
from weakref import ref

from nbsession.mapping.polymorphic import classes_by_identity, refusal
from nbsession.tracking.instance_state import NO_VALUE


class Generated(NamedTuple):
    """A function and the source it was made from."""

    function: Callable[..., Any]
    source: str


def _build(name: str, source: str, names: dict[str, Any]) -> Generated:
    code = compile(source, f"<nbsession {name}>", "exec")
    exec(code, names)
    return Generated(names[name.split()[0]], source)


def plain_names(keys: Sequence[str]) -> bool:
    """Can these attribute names be parameters of a Python function?"""
    return all(k.isidentifier() and not keyword.iskeyword(k) and not k.startswith("_") and k != "self" for k in keys)


def constructor(
    cls_name: str, direct: Sequence[str], noted: Sequence[str], mapper: Any, extra: Any, refuse: Any = None
) -> Generated:
    """A keyword-only ``__init__``. What tells the class of a row is the first thing the object holds.

    :param direct: column keys, stored straight into ``__dict__``.
    :param noted: keys set through ``setattr``, for their events.
    :param mapper: the mapper; its registry is configured with the first object made.
    :param extra: function (object, dict) for keywords that are not mapped; raises TypeError for unknown ones.
    :param refuse: called first, to raise; None: objects may be made.
    """
    kind = mapper.polymorphic_on
    parameters = "".join(f", {k}=N_" for k in (*direct, *noted))
    lines = [f"def __init__(self, *{parameters}, **rest_):" if parameters else "def __init__(self, **rest_):"]
    lines += ["    if waiting_: configure_()"]
    if refuse is not None:
        lines += ["    if type(self) is class_: refuse_()"]
    lines += ["    give_(self, transient_)", "    d_ = self.__dict__"]
    if kind is not None:  # a subclass that calls us has it already
        lines += [f"    if type(self) is class_: {f'd_[{kind!r}]' if kind in direct else f'self.{kind}'} = kind_"]
    lines += [f"    if {k} is not N_: d_[{k!r}] = {k}" for k in direct]
    lines += [f"    if {k} is not N_: self.{k} = {k}" for k in noted]
    lines += ["    if rest_: extra_(self, rest_)"]
    names = {
        "N_": NO_VALUE,
        "waiting_": mapper.registry.waiting,
        "configure_": mapper.configure,
        "give_": mapper.give_state,
        "transient_": mapper.transient,
        "extra_": extra,
        "class_": mapper.class_,
        "refuse_": refuse,
        "kind_": mapper.polymorphic_identity,
    }
    return _build(f"__init__ of {cls_name}", "\n".join(lines) + "\n", names)


def row_loader(
    mapper: Any,
    keys: Sequence[str],
    processors: Sequence[Any],
    ident: Sequence[int],
    before: int = 0,
    after: bool = False,
    refreshing: bool = False,
) -> Generated:
    """``load(rows, known, born)``: one object per row, from the identity map or new; None where the key is NULL.

    Of a composite key, all of it must be NULL for that, unless the mapper says that no part may be.

    In a polymorphic hierarchy the discriminator tells the class of a new object, and a row that is of no class is refused,
    whoever is known by its key. One that is known gets only the values it lacks. New objects are filed in ``known``, a
    KeyedObjects, and appended to ``born``: the caller moves them to persistent.

    :param keys: attribute key of each column.
    :param processors: for each column a function that turns the driver's value into ours, or None.
    :param ident: the positions of the primary key within ``keys``.
    :param before: how many columns of a row come before the entity's.
    :param after: do more columns follow?
    :param refreshing: the rows are those of objects that are known: no class is looked for.
    """
    values = [f"v{i}" for i in range(len(keys))]
    head = "_, " * before + "".join(f"{v}, " for v in values) + ("*_" if after else "")
    key = values[ident[0]] if len(ident) == 1 else "(" + ", ".join(values[i] for i in ident) + ")"
    literal = "{" + ", ".join(f"{k!r}: {v}" for k, v in zip(keys, values, strict=True)) + "}"

    def processing(indent: int, wanted: Sequence[int]) -> str:
        return "".join(
            f"{' ' * indent}if v{i} is not None: v{i} = p{i}(v{i})\n" for i in wanted if processors[i] is not None
        )

    others = [i for i in range(len(keys)) if i not in ident]
    make, check = "o = new(CLS)", ""
    if mapper.polymorphic and mapper.polymorphic_on in keys:
        place = list(keys).index(mapper.polymorphic_on)
        said = values[place]
        make = f"o = new(classes.get({said}) or refuse({key}, {said}))"
        if not refreshing:
            process = processors[place]
            told = said if process is None else f"(None if {said} is None else p{place}({said}))"
            check = f"                if {told} not in classes: refuse({key}, {told})\n"
    source = f"""def load(rows, known, born):
    out = []
    add = out.append
    get = known.get
    bear = born.append
    for ({head}) in rows:
{processing(8, ident)}        r = get({key})
        if r is not None:
            o = r()
            if o is not None:
{check}                d = o.__dict__
                if not (d.keys() >= KEYS):
{processing(20, others)}                    for k, v in {literal}.items():
                        if k not in d:
                            d[k] = v
                add(o)
                continue
        elif {(" and " if mapper.allow_partial_pks else " or ").join(f"{values[i]} is None" for i in ident)}:
            add(None)
            continue
{processing(8, others)}        {make}
        give_dict(o, {literal})
        give_ident(o, {key})
        known[{key}] = ref(o)
        bear(o)
        add(o)
    return out
"""
    names = {
        "ref": ref,
        "new": object.__new__,
        "CLS": mapper.class_,
        "classes": classes_by_identity(mapper),
        "refuse": refusal(mapper),
        "KEYS": frozenset(keys),
        "give_dict": mapper.give_dict,
        "give_ident": mapper.give_ident,
        **{f"p{i}": p for i, p in enumerate(processors) if p is not None},
    }
    return _build(f"load {mapper.class_.__name__}", source, names)


def parameter_extractor(keys: Sequence[str], processors: Sequence[Any], none_too: Collection[int] = ()) -> Generated:
    """``extract(dicts)``: for each key its values, ready for the driver, one for each object's ``__dict__``; None where unset.

    ``extract(dicts, lacking)`` appends to the list ``lacking`` each ``__dict__`` in which something is unset.

    :param none_too: which of the processors take None, where it was set, for a value.
    """

    def value(i: int, source: str) -> str:
        return source if processors[i] is None else f"(None if (v := {source}) is None else p{i}(v))"

    def there(i: int, k: str) -> str:
        return f"p{i}(d[{k!r}])" if i in none_too else value(i, f"d[{k!r}]")

    def perhaps(i: int, k: str) -> str:
        return f"(p{i}(d[{k!r}]) if {k!r} in d else None)" if i in none_too else value(i, f"d.get({k!r})")

    quick = ", ".join(f"[{there(i, k)} for d in dicts]" for i, k in enumerate(keys))
    careful = ", ".join(f"[{perhaps(i, k)} for d in dicts]" for i, k in enumerate(keys))
    source = f"""def extract(dicts, lacking=None):
    try:
        return [{quick}]
    except KeyError:
        if lacking is not None:
            lacking += [d for d in dicts if not d.keys() >= {set(keys)!r}]
        return [{careful}]
"""
    return _build("extract", source, {f"p{i}": p for i, p in enumerate(processors) if p is not None})
