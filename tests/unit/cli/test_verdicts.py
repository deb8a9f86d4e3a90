import io

from rich.console import Console

from ringbridge.cli.verdicts import print_table
from ringbridge.doctor.verdict import failure, ok, warning

VERDICTS = [ok("clock", "agrees"), warning("quota", "[low]", "buy"), failure("DNS", "bridge.test is not known", "wait")]


def shown(**options):
    file = io.StringIO()
    print_table(VERDICTS, Console(file=file, **options))
    return file.getvalue()


def test_a_line_for_each_where_there_is_no_terminal():
    assert shown(width=20) == (
        "ok       clock  agrees\n"
        "warning  quota  [low]  → buy\n"
        "failure  DNS    bridge.test is not known  → wait\n"
        "\n"
        "1 ok, 1 warning, 1 failure\n"
    )


def test_a_table_as_wide_as_the_terminal():
    lines = shown(force_terminal=True, width=32, color_system=None).splitlines()

    assert max(map(len, lines)) <= 32
    assert [line.rstrip() for line in lines[-5:-2]] == [
        "failure  DNS    bridge.test is",
        "                not known",
        "                → wait",
    ]
