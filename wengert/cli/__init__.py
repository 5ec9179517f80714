"""The command line: ``python -m wengert``."""

from __future__ import annotations

from typing import Any

import click

from wengert import __version__
from wengert.cli.robot import robot

USAGE_ERROR, INTERRUPTED = 2, 130


class OneLineErrors(click.Group):
    """Reports what the user can put right in one line, without usage or traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **kwargs)
        try:
            code = super().main(*args, standalone_mode=False, **kwargs)
        except click.ClickException as error:
            message = " ".join(error.format_message().split())
            click.echo(f"wengert: error: {message}", err=True)
            code = USAGE_ERROR
        except (click.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        raise SystemExit(code if isinstance(code, int) else 0)


@click.group(
    cls=OneLineErrors,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="wengert")
@click.pass_context
def main(context: click.Context) -> None:
    """Derivatives of ordinary NumPy code; examples to run."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


main.add_command(robot)
