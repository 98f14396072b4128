"""``python -m nbsession.teaching.toolshed sqlite:///toolshed.db`` writes the file and says what is in it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nbsession.exc import ArgumentError
from nbsession.teaching.toolshed import SEED, make_toolshed, toolshed_rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes a Toolshed as the command line says.

    :return: 0, or 2 with one line on stderr when it cannot be done.
    """
    parser = argparse.ArgumentParser("python -m nbsession.teaching.toolshed", description="Writes the Toolshed.")
    parser.add_argument("url", help="sqlite:///toolshed.db, duckdb:///toolshed.duckdb, or a path with such an ending")
    parser.add_argument("--seed", type=int, default=SEED, help="other seeds give other rows (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is something else")
    options = parser.parse_args(arguments)
    try:
        path = make_toolshed(options.url, seed=options.seed, overwrite=options.overwrite)
    except ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    rows = toolshed_rows(options.seed)
    print(f"{path}: {', '.join(f'{len(of)} {table}' for table, of in rows.items())}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
