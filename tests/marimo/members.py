"""A notebook of marimo: what it shows is looked at by test_marimo."""

import marimo

app = marimo.App()


@app.cell
def _():
    from nbsession import DeclarativeBase, Mapped, mapped_column, notebook

    class Base(DeclarativeBase):
        pass

    class Member(Base):
        __tablename__ = "member"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    session = notebook.open("sqlite://")
    Base.metadata.create_all(session.bind)
    return Member, notebook, session


@app.cell
def _(notebook):
    notebook.show()
    return


@app.cell
def _(Member, session):
    ada = Member(name="Ada")
    session.add(ada)
    return (ada,)


@app.cell
def _(ada, notebook):
    notebook.flush()
    return


@app.cell
def _(ada, notebook):
    notebook.plan()
    return


@app.cell
def _(notebook, session):
    notebook.dock(session)
    return


if __name__ == "__main__":
    app.run()
