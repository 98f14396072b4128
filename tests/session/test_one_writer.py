"""Only ``session/unit_of_work.py`` moves an object's state: proved over the syntax tree, generated source included.

Every place that could write a state is found: whoever so much as mentions the setter ``give_state``, the attribute under
which the state lies, a ``__set__`` of a slot, or assigns ``.status`` or ``.common``. What is found outside the unit of work
must be, word for word, on the lists below; a new place, or a changed one, fails the test.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import nbsession
from nbsession import Engine, Session, inspect, make_transient, registry
from nbsession.mapping import codegen
from nbsession.mapping.codegen import Generated, constructor, parameter_extractor, row_loader
from nbsession.mapping.mapper import Mapper
from nbsession.states import ObjectState, TransactionState
from nbsession.tracking.instance_state import STATE_KEY, CommonState, OwnState, forget_changes, own_state, state_of
from tests.session.models import City, Loan, Member, Node

PACKAGE = Path(nbsession.__file__).parent
WRITER = "session/unit_of_work.py"
SETTER = "give_state"
STATE_ATTRIBUTES = {STATE_KEY, "status", "common"}


class Site(NamedTuple):
    """A place that could write a state: file, function, and the statement."""

    file: str
    function: str
    code: str


# ── what may be there ────────────────────────────────────────────────────────────────────────────────────────────────
BIRTHS = {
    # a new object is given its first state, transient, or detached if it brings a key
    Site("tracking/instance_state.py", "state_of", "mapper.give_state(obj, mapper.transient)"),
    Site(
        "session/merging.py", "_counterpart", "mapper.give_state(target, mapper.transient if load else mapper.detached)"
    ),
    Site(
        "mapping/instrumentation.py",
        "restore_state",
        "mapper.give_state(self, new if ident is None else mapper.detached)",
    ),
    Site(
        "mapping/codegen.py",
        "constructor",
        "names = {'N_': NO_VALUE, 'waiting_': mapper.registry.waiting, 'configure_': mapper.configure, "
        "'give_': mapper.give_state, 'transient_': mapper.transient, 'extra_': extra, 'class_': mapper.class_, "
        "'refuse_': refuse, 'kind_': mapper.polymorphic_identity}",
    ),
    Site("mapping/instrumentation.py", "instrument_plain_class", "setattr(cls, STATE_KEY, mapper.transient)"),
}
SAME_STATE = {
    # a transient object takes the transient state of another mapping of its class
    Site("mapping/entity_names.py", "name_entity", "mapper.give_state(obj, mapper.transient)"),
    # an object changes between the shared and its own form of one and the same state
    Site("tracking/instance_state.py", "own_state", "own.common, own.notes = (state.common, None)"),
    Site("tracking/instance_state.py", "own_state", "state.mapper.give_state(obj, own)"),
    Site(
        "tracking/instance_state.py",
        "watched_state",
        "own.common, own.notes = (state.common, state.notes if isinstance(state, OwnState) else None)",
    ),
    Site("tracking/instance_state.py", "watched_state", "own.common.mapper.give_state(obj, own)"),
    Site("tracking/instance_state.py", "CommonState.write", "self.mapper.give_state(obj, after)"),
    Site("tracking/instance_state.py", "CommonState._write_first", "mapper.give_state(obj, after)"),
    Site("tracking/alike_state.py", "AlikeState.__init__", "self.common = common"),
    Site("tracking/alike_state.py", "AlikeState._follow", "self.common.mapper.give_state(obj, after)"),
    Site("tracking/instance_state.py", "forget_changes", "state.common.mapper.give_state(obj, state.common)"),
    Site(
        "tracking/instance_state.py",
        "forget_changes_of",
        "deque(map(common.mapper.give_state, its, repeat(common)), 0)",
    ),
    Site(
        "tracking/instance_state.py",
        "forget_changes_of",
        "deque(map(first.mapper.give_state, objects, repeat(first.common)), 0)",
    ),
    Site("tracking/instance_state.py", "CommonState.__init__", "self.status = status"),
    # a displaced object, which stays persistent, is held no more, and then again
    Site("session/displacing.py", "_share", "state.common = common"),
    Site("session/displacing.py", "_share", "state.mapper.give_state(obj, common)"),
}
MACHINERY = {
    # the setter itself, the slot it fills, and the name of both
    Site("mapping/mapper.py", "Mapper.__init__", "self.give_state, self.give_ident, self.give_dict = setters_of(cls)"),
    Site("mapping/instrumentation.py", "setters_of", "state_slot = getattr(cls, STATE_KEY, None)"),
    Site("mapping/instrumentation.py", "setters_of", "give_dict = vars(ancestor)['__dict__'].__set__"),
    Site(
        "mapping/instrumentation.py",
        "setters_of",
        "return (state_slot.__set__, getattr(cls, IDENT_KEY).__set__, give_dict)",
    ),
    Site("mapping/instrumentation.py", "setters_of.give_state", "obj.__dict__[STATE_KEY] = state"),
    Site("mapping/instrumentation.py", "setters_of", "return (give_state, give_ident, give_dict)"),
    Site(
        "mapping/declaring/declarative.py",
        "DeclarativeBase",
        "__slots__ = ('__weakref__', '_nbs_ident', '_nbs_options', '_nbs_state', '_nbs_unset')",
    ),
    Site("tracking/instance_state.py", "", "STATE_KEY = '_nbs_state'"),
    Site(
        "mapping/instrumentation.py",
        "release_plain_class",
        "for name in (STATE_KEY, '__mapper__', '__table__', '__nbs_validators__', *keys): ...",
    ),
    # what pickle leaves out
    Site(
        "mapping/instrumentation.py",
        "saved_state",
        "values = {k: saved_members(v) if hasattr(v, '_nbs_attribute') else v for k, v in self.__dict__.items() if k not in "
        "(STATE_KEY, IDENT_KEY, OPTIONS_KEY, UNSET_KEY)}",
    ),
}
ALLOWED = BIRTHS | SAME_STATE | MACHINERY


# ── finding the places ───────────────────────────────────────────────────────────────────────────────────────────────
class _Places(ast.NodeVisitor):
    def __init__(self, file: str) -> None:
        self.file = file
        self.found: set[Site] = set()
        self._names: list[str] = []
        self._statement: ast.AST | None = None

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            before, self._statement = self._statement, node
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                self._names.append(node.name)
                super().visit(node)
                self._names.pop()
            else:
                super().visit(node)
            self._statement = before
            return
        if self._writes(node):
            self.found.add(Site(self.file, ".".join(self._names), self._code()))
        super().visit(node)

    def _writes(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            if node.attr in (SETTER, "__set__"):
                return True
            return node.attr in STATE_ATTRIBUTES and not isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.Name):
            return node.id in (SETTER, "give_", "STATE_KEY")
        return isinstance(node, ast.Constant) and node.value in (STATE_KEY, SETTER)

    def _code(self) -> str:
        text = ast.unparse(self._statement) if self._statement is not None else ""
        head, colon, _ = text.partition(":\n")
        return f"{head}: ..." if colon else text


def places(file: str, source: str) -> set[Site]:
    """Every place of a source text that could write a state."""
    found = _Places(file)
    found.visit(ast.parse(source))
    return found.found


@cache
def sources() -> dict[str, str]:
    """The package's files by name."""
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def trees() -> dict[str, ast.Module]:
    return {file: ast.parse(source) for file, source in sources().items()}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the package, with its file."""
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield file, node


def places_outside_the_writer() -> set[Site]:
    """Of the whole package, the unit of work apart."""
    return set().union(*(places(file, source) for file, source in sources().items() if file != WRITER))


# ── the proof ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_only_the_unit_of_work_moves_a_state() -> None:
    assert places_outside_the_writer() == ALLOWED


def test_the_unit_of_work_does_write() -> None:
    source = sources()[WRITER]
    functions = {site.function for site in places(WRITER, source)}
    assert functions == {"UnitOfWork.admit", "UnitOfWork._settle"}


WAYS_TO_CHEAT = {
    "the setter": "def cheat(obj, state): type(obj).__mapper__.give_state(obj, state)",
    "the setter by another name": "def cheat(mapper, objs, s):\n    give = mapper.give_state\n    list(map(give, objs, s))",
    "the setter by getattr": "def cheat(mapper, obj, state): getattr(mapper, 'give_state')(obj, state)",
    "the attribute": "def cheat(obj, state): obj._nbs_state = state",
    "the attribute past __setattr__": "def cheat(obj, state): object.__setattr__(obj, '_nbs_state', state)",
    "the attribute by its constant": "def cheat(obj, state): setattr(obj, STATE_KEY, state)",
    "the __dict__ of a plain object": "def cheat(obj, state): obj.__dict__['_nbs_state'] = state",
    "the __dict__ in one go": "def cheat(obj, state): vars(obj).update(_nbs_state=state, **{'_nbs_state': state})",
    "deleting it": "def cheat(obj): del obj._nbs_state",
    "the slot": "def cheat(slot, obj, state): slot.__set__(obj, state)",
    "the common state of an own state": "def cheat(state, other): state.common = other",
    "the status of everybody": "def cheat(state, status): state.status = status",
    "the status in a tuple": "def cheat(state, status): state.status, x = status, 1",
    "a loop variable": "def cheat(state, many):\n    for state.status in many: pass",
    "a second statement in an allowed function": "def state_of(obj):\n    obj.__mapper__.give_state(obj, obj.__mapper__.gone)",
}


@pytest.mark.parametrize("way", WAYS_TO_CHEAT)
@pytest.mark.parametrize("file", ["session/cascades.py", "tracking/instance_state.py", "notebook/commands/verbs.py"])
def test_another_writer_would_be_found(way: str, file: str) -> None:
    honest = sources()[file]
    assert places(file, honest) <= ALLOWED
    assert not places(file, f"{honest}\n\n{WAYS_TO_CHEAT[way]}\n") <= ALLOWED


def test_a_changed_swap_would_be_found() -> None:
    file = "tracking/instance_state.py"
    source = sources()[file]
    honest = "state.common.mapper.give_state(obj, state.common)"
    assert source.count(honest) == 1
    changed = places(file, source.replace(honest, "state.common.mapper.give_state(obj, state.mapper.gone)"))
    assert changed != places(file, source)
    assert not changed <= ALLOWED


# ── who makes states ─────────────────────────────────────────────────────────────────────────────────────────────────
def makers_of(cls_name: str) -> set[tuple[str, str]]:
    return {
        (file, ast.unparse(call)) for file, call in calls() if ast.unparse(call.func).rpartition(".")[2] == cls_name
    }


def test_only_mapper_and_unit_of_work_make_common_states() -> None:
    """And, for a displaced object, one of the state that it has."""
    assert makers_of("CommonState") == {
        ("mapping/mapper.py", "CommonState(self, ObjectState.TRANSIENT, no_session)"),
        ("mapping/mapper.py", "CommonState(self, ObjectState.TRANSIENT, no_session, noting=True)"),
        ("mapping/mapper.py", "CommonState(self, ObjectState.DETACHED, no_session)"),
        ("session/unit_of_work.py", "CommonState(mapper, status, self.session)"),
        ("session/unit_of_work.py", "CommonState(mapper, status, self.session, noting=True)"),
        ("session/displacing.py", "CommonState(state.mapper, state.status, state.session_ref)"),
    }


def test_only_own_state_makes_own_states_and_from_the_state_the_object_has() -> None:
    assert makers_of("OwnState") == {("tracking/instance_state.py", "OwnState()")}
    assert makers_of("WatchedState") == {("tracking/instance_state.py", "WatchedState()")}


def test_states_of_objects_that_change_alike_are_made_from_the_state_they_have() -> None:
    for form in ("AlikeState", "WatchedAlike"):
        assert makers_of(form) == {
            ("tracking/instance_state.py", f"{form}(self, name)"),
            ("tracking/alike_state.py", f"{form}(common, name, self)"),
        }


def test_only_one_method_moves_a_transaction() -> None:
    """``SessionTransaction.state``: set at the birth, and by ``_move``, which asks the table."""
    writes = set()
    for file, tree in trees().items():
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "state" and file.startswith("session/"):
                    writes.add((file, ast.unparse(node)))
    assert writes == {
        ("session/level.py", "self.state = TransactionState.IDLE"),
        ("session/level.py", "self.state = TRANSACTION_MOVES.step('This transaction', before, trigger)"),
    }
    assert TransactionState.IDLE.value == "idle"


# ── generated source ─────────────────────────────────────────────────────────────────────────────────────────────────
class Plain:
    """To be mapped without a declarative base: its state lies in ``__dict__``."""


@pytest.fixture
def plain() -> Iterator[Mapper]:
    from nbsession import Column, Integer, String, Table

    reg = registry()
    table = Table("plain", reg.metadata, Column("id", Integer, primary_key=True), Column("name", String))
    yield reg.map_imperatively(Plain, table)
    reg.dispose()


def generated(mapper: Mapper) -> dict[str, Generated]:
    keys = mapper.column_keys
    ident = [keys.index(k) for k in mapper.pk_keys]
    process: list[Any] = [None] * len(keys)
    made = {
        "constructor": constructor(mapper.class_.__name__, keys, list(mapper.declared), mapper, dict),
        "extractor": parameter_extractor(keys, process),
        "extractor with processors": parameter_extractor(keys, [str] * len(keys)),
    }
    for before in (0, 2):
        for after in (False, True):
            made[f"loader {before} {after}"] = row_loader(mapper, keys, process, ident, before, after)
            made[f"loader with processors {before} {after}"] = row_loader(
                mapper, keys, [str] * len(keys), ident, before, after
            )
    return made


MAPPED = [Member, Loan, Node, City]


@pytest.mark.parametrize("cls", MAPPED)
def test_generated_source_moves_no_state(cls: type) -> None:
    check_generated(inspect(cls))


def test_generated_source_of_a_plain_class_moves_no_state(plain: Mapper) -> None:
    check_generated(plain)


def check_generated(mapper: Mapper) -> None:
    for name, made in generated(mapper).items():
        found = {site.code for site in places(name, made.source)}
        given = [v for v in made.function.__globals__.values() if v is mapper.give_state]
        if name == "constructor":
            assert found == {"give_(self, transient_)"}
            assert len(given) == 1
            assert made.function.__globals__["transient_"] is mapper.transient
            assert mapper.transient.status is ObjectState.TRANSIENT
            body = ast.parse(made.source).body[0]
            assert isinstance(body, ast.FunctionDef)
            assert [ast.unparse(line) for line in body.body[:2]] == [
                "if waiting_:\n    configure_()",
                "give_(self, transient_)",
            ]
        else:
            assert found == set(), name
            assert given == [], name
            states = [v for v in made.function.__globals__.values() if isinstance(v, (CommonState, OwnState))]
            assert states == [], name


def test_the_code_generator_is_the_only_one() -> None:
    """No other module turns text into code, so that nothing generated escapes the tests above; a notebook runs the user's."""
    builders = {file for file, call in calls() if isinstance(call.func, ast.Name) and call.func.id == "exec"}
    assert builders == {"mapping/codegen.py", "notebook/commands/shell_cells.py"}


def test_a_writer_in_generated_source_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = codegen._build

    def build(name: str, source: str, names: dict[str, Any]) -> Generated:
        line = "        bear(o)\n"
        return real(name, source.replace(line, line + "        give_state(o, persistent)\n"), names)

    monkeypatch.setattr(codegen, "_build", build)
    with pytest.raises(AssertionError):
        check_generated(inspect(Member))


def test_generated_functions_in_use_are_those_that_were_checked(tables: Engine) -> None:
    """The constructor on the class keeps its source, and it is the one that the generator writes."""
    for cls in MAPPED:
        mapper = inspect(cls)
        source: str = cls.__init__.__nbs_generated__  # type: ignore[misc]
        assert {site.code for site in places("constructor", source)} == {"give_(self, transient_)"}
        assert cls.__init__.__globals__["transient_"] is mapper.transient  # type: ignore[misc]


# ── the places on the list do what the list says ─────────────────────────────────────────────────────────────────────
def test_births_and_swaps_keep_the_status(session: Session) -> None:
    ada = Member(name="Ada")
    assert state_of(ada) is inspect(Member).transient
    session.add(ada)
    session.commit()
    ada.name
    before = state_of(ada)
    own = own_state(ada, before)
    assert own.owned and own.common is before and own.status is before.status is ObjectState.PERSISTENT
    forget_changes(ada)
    assert state_of(ada) is before
    forget_changes(ada)
    assert state_of(ada) is before


class _Watch:
    """Counts who gives objects another status, while it watches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moved_by: set[str] = set()
        for cls in MAPPED:
            mapper = inspect(cls)
            monkeypatch.setattr(mapper, "give_state", self._around(mapper.give_state))

    def _around(self, give_state: Any) -> Any:
        def watched(obj: Any, state: Any) -> None:
            before = getattr(obj, STATE_KEY, None)
            give_state(obj, state)
            if before is not None and before.status is not state.status:
                self.moved_by.add(Path(sys._getframe(1).f_code.co_filename).relative_to(PACKAGE).as_posix())

        return watched


def test_a_whole_life_is_moved_by_the_unit_of_work_alone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = _Watch(monkeypatch)
    ada = Member(name="Ada", loans=[Loan(note="a"), Loan(note="b")])
    session.add(ada)
    with session.begin_nested() as savepoint:
        ada.name = "Ada L."
        session.add(Member(name="Bob"))
        session.flush()
        savepoint.rollback()
    ada.loans.pop()
    session.commit()
    session.expunge(ada)
    session.add(ada)
    session.merge(Member(id=ada.id, name="merged"))
    session.delete(ada)
    session.flush()
    session.rollback()
    session.delete(ada)
    session.commit()
    make_transient(ada)
    assert watch.moved_by == {WRITER}
