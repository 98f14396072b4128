"""What ``%%session`` and ``%session forget`` do with the shell itself: run a cell inside a transaction, drop outputs."""

from __future__ import annotations

import ast
import gc
import sys
from typing import Any

from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.views.plain import counted

CELL_USAGE = "%%session sql, %%session fresh, %%session --commit or %%session --savepoint"


def run_inside(shell: Any, session: Any, cell: str, *, savepoint: bool = False) -> None:
    """Runs a cell's code inside a transaction that commits at its end, or inside a savepoint that is released then.

    An error rolls back what the cell did, and is raised as it came.

    :param shell: IPython's shell.
    :param savepoint: a savepoint instead: nothing is committed.
    """
    block = session.begin_nested() if savepoint or session.in_transaction() else session.begin()
    with block:
        execute(shell, cell)
    if not savepoint and session.in_transaction():
        session.commit()  # the transaction was open before the cell: the cell's end is its end too


def execute(shell: Any, cell: str) -> None:
    """Runs code in the notebook's variables; the value of a last expression is displayed, as a cell's is.

    :param shell: IPython's shell.
    """
    __tracebackhide__ = "__ipython_bottom__"  # a traceback begins with the cell's own line
    code = shell.transform_cell(cell)
    name = shell.compile.cache(code, shell.displayhook.prompt_count, raw_code=cell)  # so that it shows that line
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), shell.user_global_ns, shell.user_ns)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), name, "eval"), shell.user_global_ns, shell.user_ns)
        if not cell.rstrip().endswith(";"):
            shell.displayhook(value)


def forget_outputs(shell: Any) -> Answer:
    """Lets go of what outputs and tracebacks hold: ``Out``, ``_`` and its like, the last error.

    :param shell: IPython's shell.
    """
    outputs = shell.user_ns.get("Out")
    count = len(outputs) if isinstance(outputs, dict) else 0
    if isinstance(outputs, dict):
        outputs.clear()
    for names in (shell.user_ns, shell.user_ns_hidden):
        for name in [name for name in names if name.startswith("_") and not name.strip("_0123456789")]:
            del names[name]
    for name in ("_", "__", "___"):
        shell.user_ns[name] = ""
        setattr(shell.displayhook, name, "")
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell.InteractiveTB.tb = None
    shell.InteractiveTB.etype = shell.InteractiveTB.value = None
    gc.collect()
    return answer(
        [f"forgotten: {counted(count, 'output')}, and the last traceback; objects that only they held are gone"]
    )
