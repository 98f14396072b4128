"""``nbsession course | reset | report | handouts``: the command line. Knows arguments; what they do is in teaching/."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from nbsession.exc import ArgumentError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    :param arguments: the command line without the program's name; the process's own if none is given.
    :return: the exit code: 0, or 2 with one line on stderr.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ArgumentError as error:
        print(f"nbsession: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("nbsession", description="The Toolshed: a course on what a database session does.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    from nbsession.teaching.course import FOLDER

    course = commands.add_parser("course", help="copy the course into a folder and open JupyterLab on it")
    course.add_argument("folder", nargs="?", type=Path, default=Path(FOLDER), help="default: %(default)s")
    course.add_argument("--teacher", action="store_true", help="with notes and solutions in the notebooks")
    course.add_argument("--no-open", action="store_true", help="only copy")
    course.set_defaults(run=_course)
    reset = commands.add_parser("reset", help="put a lesson back as it came; predictions stay")
    reset.add_argument("lesson", type=int, metavar="N", help="its number; 0 for the tour")
    reset.add_argument("folder", nargs="?", type=Path, default=Path(), help="of the course; default: this one")
    reset.set_defaults(run=_reset)
    report = commands.add_parser("report", help="what a class predicted and solved, as CSV")
    report.add_argument("folder", type=Path, help="with the learners' exported progress, or their folders")
    report.add_argument("--output", "-o", type=Path, help="a file; without it the report is printed")
    report.set_defaults(run=_report)
    handouts = commands.add_parser("handouts", help="the lessons as HTML pages, to print")
    handouts.add_argument("folder", type=Path, help="where to write them")
    handouts.add_argument("--solutions", action="store_true", help="with outputs, answers, solutions and notes")
    handouts.set_defaults(run=_handouts)
    return parser


def _course(options: argparse.Namespace) -> int:
    from nbsession.notebook.views.plain import counted
    from nbsession.teaching.course import TOUR, copy_course

    copied = copy_course(options.folder, teacher=options.teacher)
    if copied.written:
        print(f"{options.folder}: {counted(len(copied.written), 'notebook')} copied")
    if copied.kept:
        print(f"{options.folder}: {counted(len(copied.kept), 'notebook')} there already, left as it was")
    if options.no_open:
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        print('To open them: pip install "nbsession[lab]", then run this again.', file=sys.stderr)
        return 2
    where = [f"--ServerApp.root_dir={options.folder.resolve()}", f"--LabApp.default_url=/lab/tree/{TOUR}"]
    return subprocess.run([sys.executable, "-m", "jupyterlab", *where]).returncode


def _reset(options: argparse.Namespace) -> int:
    from nbsession.teaching.course import reset_lesson

    kept = reset_lesson(options.lesson, options.folder)
    print(f"lesson {options.lesson} is as it came; what you had is in {kept.name}, and your predictions stay")
    return 0


def _report(options: argparse.Namespace) -> int:
    from nbsession.notebook.views.plain import counted
    from nbsession.teaching.lessons import lessons
    from nbsession.teaching.report import write_report

    if options.output is None:
        write_report(options.folder, lessons(), sys.stdout)
        return 0
    with options.output.open("w", encoding="utf-8", newline="") as into:
        count = write_report(options.folder, lessons(), into)
    print(f"{options.output}: {counted(count, 'learner')}")
    return 0


def _handouts(options: argparse.Namespace) -> int:
    from nbsession.notebook.views.plain import counted
    from nbsession.teaching.handouts import write_handouts

    pages = write_handouts(options.folder, solutions=options.solutions)
    print(f"{options.folder}: {counted(len(pages), 'page')}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
