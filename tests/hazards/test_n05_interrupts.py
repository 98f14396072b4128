"""N5: a running query is interrupted in a live kernel: it stops soon, as a KeyboardInterrupt, and the kernel goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.kernels import Kernel, as_text

MODELS = "from tests.notebook.library import *\nfrom nbsession import *\nBase.metadata.create_all(engine)"
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "duckdb": "SELECT count(*) FROM range(100000000000) a, range(1000) b WHERE (a.range * b.range) % 7 = 1",
}
GO = "import time; print('go', flush=True)\n"


def interrupted(kernel: Kernel, cell: str) -> tuple[str, float]:
    """Runs a cell that never ends, and interrupts it: what it shows, and the seconds until it ended."""
    sent = kernel.begin(GO + cell)
    kernel.ended(sent, until=lambda output: "go" in output.get("text", ""))
    time.sleep(0.5)
    kernel.manager.interrupt_kernel()
    began = time.monotonic()
    return as_text(kernel.ended(sent)), time.monotonic() - began


@pytest.mark.parametrize("dialect", ENDLESS)
def test_n05_a_query_stops_and_the_kernel_goes_on(
    kernel: Kernel, dialect: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    kernel.anew("%load_ext nbsession", f"%session open {dialect}://", MODELS)
    kernel.run("session.add(Member(name='Ada')); session.commit(); session.add(Member(name='Bob')); session.flush()")
    said, seconds = interrupted(kernel, f"session.connection().exec_driver_sql({ENDLESS[dialect]!r}).all()")
    # below one where nothing else runs; asserted is only that it stops
    record_testsuite_property(f"{dialect}: seconds until interrupted", f"{seconds:.2f}")
    assert "KeyboardInterrupt" in said
    assert kernel.text("1 + 1").splitlines()[-1] == "2"
    kernel.run("%session rollback")
    assert kernel.value("[one.name for one in session.scalars(select(Member))]") == "['Ada']"


@pytest.mark.parametrize("dialect", ENDLESS)
def test_n05_a_flush_that_is_interrupted_counts_as_failed(kernel: Kernel, dialect: str) -> None:
    kernel.anew("%load_ext nbsession", f"%session open {dialect}://", MODELS)
    kernel.run(
        "from nbsession import event, inspect\nimport time\nslow = True\n"
        "@event.listens_for(Loan, 'before_insert')\n"
        "def dawdle(*_):\n    if slow: time.sleep(600)\n"
        "ada, loan = Member(name='Ada'), Loan(note='n'); ada.loans.append(loan); session.add(ada)"
    )
    said, _ = interrupted(kernel, "session.flush()")
    assert "KeyboardInterrupt" in said
    # as after any flush that failed: its rows are gone, its objects are new again, and the session waits for the rollback
    now, *banner = kernel.value("session.is_active, inspect(ada).transient, inspect(loan).transient").splitlines()
    assert now == "False True True"
    assert "(KeyboardInterrupt: )" in banner[0] and "%session rollback" in banner[1]
    kernel.run("session.rollback(); slow = False")
    assert kernel.value("inspect(ada).transient, inspect(loan).transient, ada.loans == [loan]") == "True True True"
    kernel.run("session.add(ada); session.commit()")
    assert kernel.value("[(one.name, len(one.loans)) for one in session.scalars(select(Member))]") == "[('Ada', 1)]"
