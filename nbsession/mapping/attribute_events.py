"""Who is asked and told when a value is set, comes or goes: validators of the class, and functions that listen.

An attribute has one tuple of them, empty as a rule, and asks nobody then. Knows attributes and objects; knows no session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.exc import InvalidRequestError
from nbsession.tracking.instance_state import NO_VALUE

if TYPE_CHECKING:
    from nbsession.mapping.attributes import Attribute

ASKED = ("set", "append", "remove")
"""the events at which each of an attribute's listeners may change or refuse a value"""
OCCASIONAL = ("init_scalar", "init_collection", "dispose_collection", "bulk_replace", "modified")
"""the other events of an attribute"""
EVENTS = (*ASKED, *OCCASIONAL)


class AttributeEvent(NamedTuple):
    """What happened, as listeners see it: the ``initiator`` of SQLAlchemy.

    :ivar impl: the attribute it happens to.
    :ivar op: ``set``, ``append``, ``remove``, ...
    :ivar backref: is it the other side of a change that was made elsewhere?
    """

    impl: Any
    op: str
    backref: bool = False

    @property
    def key(self) -> str:
        """The attribute's name."""
        key: str = self.impl.key
        return key


class Validator(NamedTuple):
    """A method marked by ``@validates``.

    :ivar function: called with (object, key, value), and ``is_remove`` if it wants removals.
    :ivar include_removes: is it called for members that go, too?
    :ivar include_backrefs: is it called when the other side is changed?
    """

    function: Callable[..., Any]
    include_removes: bool = False
    include_backrefs: bool = True

    def come(self, obj: Any, value: Any, old: Any, happening: AttributeEvent) -> Any:
        """What it makes of a value."""
        if happening.backref and not self.include_backrefs:
            return value
        if self.include_removes:
            return self.function(obj, happening.key, value, False)
        return self.function(obj, happening.key, value)

    def gone(self, obj: Any, value: Any, happening: AttributeEvent) -> None:
        """It hears of a value that goes, if it wants to."""
        if self.include_removes and (self.include_backrefs or not happening.backref):
            self.function(obj, happening.key, value, True)


class Listener(NamedTuple):
    """A function that listens to one event of an attribute.

    :ivar event: ``set``, ``append`` or ``remove``, or one of the occasional ones.
    :ivar function: called as SQLAlchemy calls it: (target, value, [old value,] initiator).
    :ivar retval: is what it returns the value to be stored?
    :ivar raw: is it given ``inspect(object)`` in place of the object?
    :ivar propagate: do subclasses inherit it?
    """

    event: str
    function: Callable[..., Any]
    retval: bool = False
    raw: bool = False
    propagate: bool = False

    def come(self, obj: Any, value: Any, old: Any, happening: AttributeEvent) -> Any:
        """What it makes of a value."""
        if self.event != happening.op:
            return value
        before = (old,) if happening.op == "set" else ()
        result = self.function(self.target(obj), value, *before, happening)
        return result if self.retval else value

    def gone(self, obj: Any, value: Any, happening: AttributeEvent) -> None:
        """It hears of a value that goes."""
        if self.event == "remove":
            self.function(self.target(obj), value, happening)

    def target(self, obj: Any) -> Any:
        """What it is given for the object."""
        if not self.raw:
            return obj
        from nbsession.mapping.inspection import inspect_mapped

        return inspect_mapped(obj)


def listen(
    attribute: Attribute,
    event: str,
    function: Callable[..., Any],
    *,
    retval: bool = False,
    raw: bool = False,
    active_history: bool = False,
    propagate: bool = False,
) -> None:
    """From now on a function is called at an event of an attribute.

    :param attribute: of a class: ``User.name``.
    :param event: one of :data:`EVENTS`.
    :param function: for ``set``: (target, value, oldvalue, initiator); ``append``, ``remove``: (target, value, initiator);
        ``bulk_replace``: (target, values, initiator); ``init_scalar``: (target, value, dict); ``modified``:
        (target, initiator).
    :param retval: what the function returns is stored.
    :param raw: the function is given ``inspect(object)``.
    :param active_history: an old value that is not loaded is loaded before a new one is set.
    :param propagate: subclasses inherit it.
    :raises InvalidRequestError: there is no such event.
    """
    if event not in EVENTS:
        raise InvalidRequestError(f"No such event '{event}' for target '{attribute}'. There is: {', '.join(EVENTS)}.")
    listener = Listener(event, function, retval, raw, propagate)
    for one in _targets(attribute, propagate):
        if event in ASKED:
            one.validators = (*one.validators, listener)
        else:
            one.occasional = (*one.occasional, listener)
        one.active_history = one.active_history or active_history
        one.mapper.refit()


def unlisten(attribute: Attribute, event: str, function: Callable[..., Any]) -> bool:
    """The function is not called any more. False: it was not listening."""
    found = False
    for one in _targets(attribute, True):
        for name in ("validators", "occasional"):
            before = getattr(one, name)
            after = tuple(
                known
                for known in before
                if not (isinstance(known, Listener) and known.event == event and known.function is function)
            )
            if len(after) < len(before):
                setattr(one, name, after)
                one.mapper.refit()
                found = True
    return found


def is_listening(attribute: Attribute, event: str, function: Callable[..., Any]) -> bool:
    """Does the function listen?"""
    known = [one for one in (*attribute.validators, *attribute.occasional) if isinstance(one, Listener)]
    return any(one.event == event and one.function is function for one in known)


def inherited_listeners(attribute: Attribute, parent: Attribute | None) -> None:
    """The attribute of a new subclass takes over what its parent's passes on."""
    if parent is not None:
        attribute.validators += tuple(v for v in parent.validators if isinstance(v, Listener) and v.propagate)
        attribute.occasional += tuple(v for v in parent.occasional if v.propagate)


on_refit: list[Callable[[], None]] = []
"""called when listeners were added or removed: sessions see to it that writes pass by them"""


def _targets(attribute: Attribute, propagate: bool) -> list[Attribute]:
    """The attribute, and those of the subclasses."""
    attribute = attribute.mapper.attributes.get(attribute.key, attribute)
    mappers = attribute.mapper.self_and_descendants if propagate else (attribute.mapper,)
    found = {id(a): a for a in (m.attributes.get(attribute.key) for m in mappers) if a is not None}
    return list(found.values())


def tell(attribute: Attribute, event: str, obj: Any, *arguments: Any) -> Any:
    """Calls those who listen to an occasional event; what the last of them returns counts, if it is to."""
    result: Any = NO_VALUE
    for listener in attribute.occasional:
        if listener.event == event:
            answer = listener.function(listener.target(obj), *arguments)
            if listener.retval:
                result = answer
    return result
