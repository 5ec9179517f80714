"""The command line: ``python -m wengert``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from wengert import __version__
from wengert.cli.examples import examples
from wengert.cli.robot import robot

CUT_OFF, USAGE_ERROR, INTERRUPTED = 1, 2, 130


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="wengert")
@click.pass_context
def commands(context: click.Context) -> None:
    """Derivatives of ordinary NumPy code; examples to run."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


commands.add_command(examples)
commands.add_command(robot)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command; what the user can put right is told in one line on stderr."""
    try:
        code = commands.main(arguments, prog_name="wengert", standalone_mode=False)
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        click.echo(f"wengert: error: {message}", err=True)
        code = USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough; nor can stdout be flushed
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
        code = CUT_OFF
    raise SystemExit(code or 0)
