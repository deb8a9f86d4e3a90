"""`python -m ringbridge`, and the `ringbridge` command."""

from ringbridge.cli.main import cli

__all__ = ["main"]


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    cli(prog_name="ringbridge")


if __name__ == "__main__":
    main()
