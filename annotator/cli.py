"""`iea40k annotate`: open the window on a store. napari and Qt are imported only when it opens."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotator.shared.progress import Step
from iea40k.errors import BadInputError
from iea40k.extras import explained, install_line
from iea40k.store.ledger.place import refuse_typed_secret

if TYPE_CHECKING:
    from annotator.session.base import BaseSession


def register(app: typer.Typer) -> None:
    """Add the command `annotate` to the program."""
    app.command("annotate")(annotate)


def annotate(
    context: typer.Context,
    store: Annotated[
        Path | None, typer.Argument(help="A store, or with --read-only also a release; none to practise.")
    ] = None,
    annotator: Annotated[str, typer.Option("--annotator", help="Your name, as the curator knows it.")] = "",
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            help="postgresql://HOST/DATABASE; the store's own file where left out.",
            envvar="IEA40K_LEDGER",
        ),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Judge what others handed in, and settle what they disagree on.")
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="You are new here: begin under a name that nobody has.")
    ] = False,
    read_only: Annotated[bool, typer.Option("--read-only", "--look-only", help="Change nothing.")] = False,
    practice: Annotated[
        bool, typer.Option("--practice", help="Repair planted faults, and see how well; writes to no store.")
    ] = False,
    target: Annotated[float, typer.Option("--target", min=0, help="Images an hour you aim at.")] = 0.0,
    language: Annotated[
        str,
        typer.Option(
            "--language", help="Of the window: en or zh; left out, as chosen there, or the system's."
        ),
    ] = "",
) -> None:
    """Open the annotator: correct residuals and set zones of references, as the queue brings them."""
    from annotator.session.opening import open_session
    from annotator.session.practice import PracticeSession
    from annotator.session.settings import read_language, settings_file
    from annotator.shared.language import use

    if practice:
        named = context.get_parameter_source("store")
        if (named is not None and named.name == "COMMANDLINE") or review or read_only:
            raise BadInputError(
                "practice has photographs of its own", remedy="leave out the store, --review and --read-only"
            )
        _check_screen()
        use(language or read_language(settings_file()))
        _run(PracticeSession.begin(annotator or "practising", progress=_told), target)
        return
    if store is None:
        raise BadInputError(
            "no store is named", remedy="iea40k annotate STORE --annotator NAME, or --practice"
        )
    if review and read_only:
        raise BadInputError("--review and --read-only exclude each other")
    if not annotator and not read_only:
        raise BadInputError(
            "no annotator is named", remedy="add --annotator NAME, your name as the curator knows it"
        )
    source = context.get_parameter_source("ledger")
    if ledger is not None and source is not None and source.name == "COMMANDLINE":
        refuse_typed_secret(ledger)
    _check_screen()
    use(language or read_language(settings_file()))
    if not read_only and not new:
        _check_name(annotator, str(store) if ledger is None else ledger)
    mode = "review" if review else "read only" if read_only else "annotate"
    session = open_session(store, annotator or "reader", ledger_url=ledger, mode=mode, progress=_told)
    _run(session, target)


def _run(session: "BaseSession", target: float) -> None:
    """Open the window on a session."""
    try:
        from annotator.window.opening import run_window
    except ImportError as error:
        session.close()
        raise explained(error) or BadInputError(
            "the window's packages cannot be loaded",
            got=str(error),
            remedy=f"{install_line('annotator')}; on Linux also the system's libraries: tests/system_packages.sh",
        ) from error
    run_window(session, target)


def _check_name(name: str, place: str) -> None:
    """Ask before a name that nobody has becomes a new person; where nobody can be asked, raise `BadInputError`."""
    from annotator.session.opening import doubtful, question_of
    from iea40k.store.ledger.people import unknown

    found = doubtful(name, place)
    if found is None:
        return
    if not sys.stdin.isatty():
        raise unknown(name, found)
    typer.confirm(question_of(name, found), abort=True, err=True)


@contextlib.contextmanager
def _told(text: str, total: int) -> Iterator[Step]:
    """Show on the terminal how far the opening is: there is no window yet."""
    from rich.progress import Progress

    from iea40k.terminal import Terminal

    with Progress(console=Terminal(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total or None)
        yield lambda: bar.advance(task)


def _check_screen() -> None:
    """Raise `BadInputError` on a Linux machine without a screen, where Qt would end the process without a word."""
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise BadInputError(
            "there is no screen here",
            expected="DISPLAY or WAYLAND_DISPLAY",
            remedy="run this on a desktop, or under xvfb-run",
        )
