"""The line after the magic."""

import pytest

from argovx_lab.capture.arguments import machine, parse_line
from argovx_lab.errors import SpecError


def test_the_head_is_everything_before_the_flags():
    line = parse_line("train(X, y) -> model --on n1-standard-8+T4*2 --timeout 2h --retries 1 --no-wait")
    assert line.head == "train(X, y) -> model"
    assert line.options.machine == "n1-standard-8+T4*2"
    assert line.options.timeout_s == 7200
    assert line.options.retries == 1
    assert line.options.wait is False


def test_defaults():
    options = parse_line("train").options
    assert (options.wait, options.dry_run, options.timeout_s, options.retries) == (True, False, None, None)


def test_how_machines_are_found():
    options = parse_line("t --spot --workers 4 --disk=200").options
    assert (options.spot, options.flex_start, options.workers, options.disk_gb) == (True, False, 4, 200)
    assert parse_line("t --flex-start").options.flex_start is True
    assert parse_line("t --persistent my-pool").options.persistent == "my-pool"
    plain = parse_line("t").options
    assert (plain.spot, plain.flex_start, plain.workers, plain.disk_gb, plain.persistent) == (
        False,
        False,
        1,
        0,
        "",
    )


def test_requirements_are_pinned():
    options = parse_line('train --requirements "Numpy==2.0.0, pandas==2.2"').options
    assert options.requirements == ("numpy==2.0.0", "pandas==2.2")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("t --onn x", "unknown flag --onn", "--on"),
        ("t --spott", "unknown flag --spott", "--spot"),
        ("t --spot=yes", "--spot takes no value", ""),
        ("t --workers four", "--workers 'four' is not a number", "--workers 4"),
        ("t --workers", "--workers needs a value", ""),
        ("t --disk 1.5", "--disk '1.5' is not a number", "--disk 200"),
        ("t --disk ²", "is not a number", ""),
        ("t --disk " + "9" * 5000, "is not a number", ""),
        ("t --on", "--on needs a value", "%%vertex_step"),
        ("t --on --dry-run", "--on needs a value", ""),
        ("t --dry-run=yes", "--dry-run takes no value", ""),
        ("t --on a --on b", "--on is given twice", ""),
        ("t --timeout soon", "'soon' is not a time", "90s"),
        ("t --timeout 8d", "'8d' is not a time", ""),
        ("t --retries -1", "not a number", ""),
        ("t --retries 99", "from 0 to 10", ""),
        ("t --retries ²", "from 0 to 10", ""),
        ("t --retries " + "9" * 5000, "from 0 to 10", ""),
        ("t --timeout ١h", "is not a time", ""),
        ("t --dry-run extra", "'extra' stands where a flag is expected", ""),
        ("t --image 'x", "cannot be read", "quotation"),
        ("t --requirements numpy", "not an exact pin", "numpy=="),
    ],
)
def test_one_line_and_a_hint(line, message, hint):
    with pytest.raises(SpecError) as error:
        parse_line(line)
    assert message in error.value.message
    assert hint in error.value.hint
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("t(X) --spot --onn x", 13),
        ("t --for x in [1, 2] --onn", 21),
        ("--timeout soon", 1),
        ("t --image 'a b' extra", 17),
        ("t(a='--on x') --spott", 15),
    ],
)
def test_a_wrong_flag_is_refused_at_its_column(line, column):
    with pytest.raises(SpecError) as error:
        parse_line(line)
    assert error.value.message.startswith(f"column {column}: ")


def test_what_looks_like_a_flag_inside_a_value_is_none():
    line = parse_line("""t(text="a --on b", c=[' --spot ']) -> m --no-wait""")
    assert line.head == """t(text="a --on b", c=[' --spot ']) -> m"""
    assert line.options.wait is False
    assert parse_line("t(X --on n1-standard-8").head == "t(X"


def test_the_machine_of_the_flags_is_what_vertex_offers_or_is_refused():
    made = machine(parse_line("t --on g2-standard-8 --flex-start --workers 2 --disk 200").options)
    assert (made.type, made.accelerator, made.strategy) == ("g2-standard-8", "NVIDIA_L4", "FLEX_START")
    assert (made.replicas, made.disk_gb, made.persistent) == (2, 200, "")
    assert machine(parse_line("t --persistent my-pool").options).persistent == "my-pool"
    with pytest.raises(SpecError, match="exclude"):
        machine(parse_line("t --spot --flex-start").options)
