"""Bad input: one clear error each, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbsession import DeclarativeBase, Engine, Mapped, Session, create_engine, exc, inspect, mapped_column, select


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(unique=True)


class Plain:
    """Never mapped."""


@pytest.fixture
def session(engine: Engine):
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Member(id=1, name="Ada"))
        session.commit()
        yield session


def names(session: Session) -> list[str]:
    return list(session.scalars(select(Member.name).order_by(Member.id)).all())


def in_another_process(code: str) -> str:
    """The last words of a process that fails."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode != 0, done.stdout
    return done.stderr.strip()


# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("url", ["postgresql://localhost/x", "nonsense", "sqlite", ""])
def test_unknown_url_names_what_is_known(url: str) -> None:
    with pytest.raises(exc.ArgumentError, match="sqlite://"):
        create_engine(url)


def test_missing_driver_names_what_to_install() -> None:
    said = in_another_process(
        "import sys; sys.modules['duckdb'] = None\nfrom nbsession import create_engine; create_engine('duckdb://').connect()"
    )
    assert "ArgumentError: DuckDB's driver is not installed: pip install duckdb" in said.splitlines()[-1]


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_file_that_is_no_database_is_named_and_left_alone(scheme: str, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Ada, " * 500)
    with pytest.raises(exc.DatabaseError, match=r"letter\.txt"):
        create_engine(f"{scheme}:///{file.as_posix()}").connect().exec_driver_sql("SELECT 1")
    assert file.read_text() == "Dear Ada, " * 500


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_missing_folder_is_named(scheme: str, tmp_path: Path) -> None:
    with pytest.raises(exc.OperationalError, match="nowhere"):
        create_engine(f"{scheme}:///{tmp_path.as_posix()}/nowhere/a.db").connect()
    assert not (tmp_path / "nowhere").exists()


def test_duckdb_file_locked_by_another_process_names_its_pid(tmp_path: Path) -> None:
    url = f"duckdb:///{(tmp_path / 'a.duckdb').as_posix()}"
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
        connection.commit()
        said = in_another_process(f"from nbsession import create_engine; create_engine({url!r}).connect()")
    engine.dispose()
    assert "OperationalError" in said and f"PID {os.getpid()}" in said and "read_only" in said


def test_locked_sqlite_file_says_who_may_hold_it(tmp_path: Path) -> None:
    url = f"sqlite:///{(tmp_path / 'a.db').as_posix()}"
    first, second = create_engine(url), create_engine(url, connect_args={"timeout": 0.05})
    Base.metadata.create_all(first)
    with Session(first) as writer, Session(second) as other:
        writer.add(Member(name="Ada"))
        writer.flush()
        grace = Member(name="Grace")
        other.add(grace)
        with pytest.raises(exc.OperationalError, match=r"locked[\s\S]*commit or roll back there"):
            other.flush()
        writer.commit()
        other.rollback()
        other.add(grace)
        other.commit()
        assert names(writer) == ["Ada", "Grace"]
    first.dispose()
    second.dispose()


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("wrong", [None, "Ada", 5, Plain(), Plain, Member], ids=lambda each: type(each).__name__)
def test_add_of_what_is_no_mapped_object(session: Session, wrong: object) -> None:
    with pytest.raises(exc.UnmappedInstanceError):
        session.add(wrong)
    assert not session.new


@pytest.mark.parametrize(
    "ask", [lambda s: s.get(Plain, 1), lambda s: s.query(Plain).all(), lambda s: s.scalars(select(Plain))]
)
def test_unmapped_class_in_a_query(session: Session, ask) -> None:
    with pytest.raises((exc.InvalidRequestError, exc.ArgumentError), match="Plain"):
        ask(session)
    assert session.get(Member, 1) is not None


def test_object_of_another_session_stays_there(engine: Engine, session: Session) -> None:
    ada = session.get(Member, 1)
    other = Session(engine)
    with pytest.raises(
        exc.InvalidRequestError, match=r"already attached to session .* Expunge it there first, or merge"
    ):
        other.add(ada)
    assert ada in session and ada not in other
    other.close()


def test_typo_in_a_constructor_names_what_is_mapped() -> None:
    with pytest.raises(TypeError, match=r"'nmae' is an invalid keyword argument for Member.*id, name"):
        Member(nmae="Ada")


def test_value_the_driver_cannot_take(session: Session) -> None:
    ada = session.get(Member, 1)
    ada.name = object()  # type: ignore[assignment]
    with pytest.raises(exc.StatementError):
        session.flush()
    session.rollback()
    assert ada.name == "Ada"


def test_megabyte_string_is_stored_whole_and_shown_short(session: Session) -> None:
    long = Member(id=2, name="x" * 1_000_000)
    session.add(long)
    session.commit()
    assert long.name is not None and len(long.name) == 1_000_000 and len(repr(long)) < 300
    session.add(Member(id=3, name="x" * 1_000_000))
    with pytest.raises(exc.IntegrityError) as raised:
        session.flush()
    assert len(str(raised.value)) < 2_000_000 and "x" * 400 not in str(raised.value).partition("[parameters")[2]


def test_repr_that_raises_is_named(session: Session) -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert repr(Member(name=Shy())) == "Member(name=<repr raised RuntimeError>)"


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_violated_constraint_says_that_rollback_is_needed_and_rollback_works(session: Session) -> None:
    twin = Member(name="Ada")
    session.add(twin)
    with pytest.raises(exc.IntegrityError):
        session.flush()
    session.add(twin)
    for attempt in (session.commit, session.flush, lambda: session.get(Member, 7), lambda: names(session)):
        with pytest.raises(exc.PendingRollbackError, match=r"first issue Session.rollback\(\).*IntegrityError"):
            attempt()
    with pytest.warns(exc.NbsessionWarning, match="will be discarded"):
        session.rollback()
    assert inspect(twin).transient and twin.name == "Ada"
    twin.name = "Eve"
    session.add(twin)
    session.commit()
    assert names(session) == ["Ada", "Eve"]


def test_commit_after_an_error_loses_no_row_silently(session: Session) -> None:
    """duckdb.md: COMMIT of an aborted transaction returns normally there, and the rows are gone."""
    connection = session.connection()
    connection.exec_driver_sql("INSERT INTO member (id, name) VALUES (2, 'Grace')")
    with pytest.raises(exc.IntegrityError):
        connection.exec_driver_sql("INSERT INTO member (id, name) VALUES (2, 'twice')")
    if connection.dialect.error_aborts_transaction:
        with pytest.raises(exc.NbsessionError, match="COMMIT refused"):
            session.commit()
        session.rollback()
        assert names(session) == ["Ada"]
    else:
        session.commit()
        assert names(session) == ["Ada", "Grace"]
