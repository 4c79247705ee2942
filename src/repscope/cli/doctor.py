"""repscope doctor"""

import typer

from repscope.cli._options import Listing, Medium, show


def doctor(medium: Listing = Medium.TEXT) -> None:
    """Say what is found on this machine, what will be done with it, and what could be better.

    Python, torch, cores, precision, folders, hub, token, packages, terminal. Exit code 1 where something is broken
    that nothing works without.
    """
    from repscope.analyses import doctor as asked
    from repscope.tui.able import able

    report = asked.doctor(able)
    show(report, medium.value)
    if asked.broken(report):
        raise typer.Exit(1)
