# SPDX-License-Identifier: BSD-2-Clause
"""docs/errors.md has an entry for each FATAL line and each warning, and no other."""

import re

import pytest

from host import ROOT
from messages import DOUBLES, PAGE, Code, Unclear, mistakes, read_code, read_page

PAGE_TEXT = PAGE.read_text()
STATUS_C = (ROOT / "lib/status.c").read_text()


@pytest.fixture(scope="module")
def code():
    return read_code()


def said(code, page=PAGE_TEXT):
    return list(mistakes(code, list(read_page(page))))


def code_of(text, path="boot/new.c"):
    """Code that is nothing but this."""
    code = Code()
    code.read("lib/status.c", STATUS_C)
    code.read(path, text)
    return code


def fatal(body, rest=""):
    """The patterns that a function with this body makes a stage say."""
    code = code_of(f'{rest}\nstatic enum status f(struct x *why, enum status status) {{ {body} }}\n'
                   'void g(void) { boot_require(boot, "stage", f(why)); }')
    return {re.sub(r"\\(.)", r"\1", message.pattern) for message in code.fatal()["stage"]}


def test_page_and_sources_agree(code):
    problems = said(code)
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def test_no_file_with_messages_is_left_out():
    """Every folder with C of the firmware is read."""
    read = {function.path for function in read_code().functions}
    for path in ROOT.rglob("*.c"):
        name = str(path.relative_to(ROOT))
        if not name.startswith(("tests/", "build/", DOUBLES)) and "refuse(" in path.read_text():
            assert name in read


# -- the flaws that it is for ------------------------------------------------------------

ENTRY = next(line for line in PAGE_TEXT.splitlines() if line.startswith("| `the kernel is not a b"))
PAGE_FLAWS = {
    "entry_removed": ("no entry for", lambda page: page.replace(ENTRY + "\n", "")),
    "entry_added": ("nothing says", lambda page: page.replace(
        ENTRY, ENTRY + "\n" + ENTRY.replace("not a", "no"))),
    "entry_twice": ("two entries", lambda page: page.replace(ENTRY, ENTRY + "\n" + ENTRY)),
    "entry_in_another_stage": ("nothing says", lambda page: page.replace(ENTRY + "\n", "").replace(
        "| `etc/e820 cannot", ENTRY + "\n| `etc/e820 cannot")),
    "message_changed": ("no entry for", lambda page: page.replace("not a bzImage`", "no bzImage`")),
    "number_instead_of_a_name": ("no entry for", lambda page: page.replace(
        "`kernel_alignment is <number>`", "`kernel_alignment is 7`")),
    "status_wrong": ("wrong status", lambda page: page.replace(
        ENTRY, ENTRY.replace("bad-format", "truncated"))),
    "status_too_many": ("only", lambda page: page.replace(
        ENTRY, ENTRY.replace("`bad-format`", "`bad-format`, `io`"))),
    "status_unknown": ("wrong status", lambda page: page.replace(
        "| `etc/e820 cannot be read` | `io`", "| `etc/e820 cannot be read` | `oops`")),
    "warning_removed": ("warnings: no entry", lambda page: re.sub(
        r"\| `the UUID cannot.*\n", "", page)),
    "stage_removed": ("no stage smbios", lambda page: re.sub(
        r"## `smbios`(.|\n)*?(?=## `loader`)", "", page)),
}


@pytest.mark.parametrize("flaw", PAGE_FLAWS)
def test_flaw_of_the_page_is_noticed(flaw, code):
    sentence, change = PAGE_FLAWS[flaw]
    assert change(PAGE_TEXT) != PAGE_TEXT
    problems = said(code, change(PAGE_TEXT))
    assert any(sentence in problem for problem in problems), problems


NEW = "static enum status new_check(struct reason *why) {{ {} }}\n"
CODE_FLAWS = {
    "message_added": ("no entry for", NEW + 'void n(void) {{ boot_require(b, "memory", '
                      "new_check(why)); }}", 'return refuse(why, STATUS_IO, "it is %s", text);'),
    "message_that_nothing_comes_to": ("no stage comes to", NEW,
                                      'return refuse(why, STATUS_IO, "it is");'),
    "stage_added": ("no stage new", 'void n(void) {{ {} }}',
                    'arch_fatal("new", STATUS_IO, "it is");'),
    "warning_added": ("warnings: no entry", "void n(void) {{ {} }}",
                      'log_line(log, bad ? LOG_WARN : LOG_INFO, "it is");'),
    "report_added": ("warnings: no entry", "void n(void) {{ {} }}",
                     'pci_report(tree, LOG_WARN, address, 0, "is on fire");'),
    "without_a_reason": ("chipset: no entry", "void n(void) {{ {} }}",
                         'boot_require(b, "chipset", memmap_keep(map, 0, 1));'),
}


@pytest.mark.parametrize("flaw", CODE_FLAWS)
def test_flaw_of_the_code_is_noticed(flaw):
    sentence, function, body = CODE_FLAWS[flaw]
    code = read_code()
    code.read("boot/new.c", function.format(body))
    problems = said(code)
    assert any(sentence in problem for problem in problems), problems


def test_assembly_is_read():
    line = 'text: db "slipway: FATAL entry io: it burns", 10\n'
    messages = code_of(line, "arch/new.asm").fatal()["entry"]
    assert [(message.pattern, message.statuses) for message in messages] == [
        (r"it\ burns", frozenset(["io"]))]
    with pytest.raises(Unclear):
        code_of('db "slipway: FATAL", 10', "arch/new.asm")


# -- what it understands, and what not ---------------------------------------------------

PASSED = ('static enum status h(struct x *why, const char *what) '
          '{ return refuse(why, STATUS_IO, "%s burns", what); }\n')
OUT = ('static enum status h(const char **ret_what) { *ret_what = "wood"; return STATUS_IO; }\n')
UNDERSTOOD = {
    "joined": ('return refuse(why, STATUS_IO, "a " /* "b" */\n\t"c");', "", {"a c"}),
    "chosen": ('return refuse(why, x ? STATUS_IO : STATUS_FAULT, y ? "a" : z ? "b" : "c");', "",
               {"a", "b", "c"}),
    "in_parentheses": ('return refuse(&(x)->why, status, ("a(b, \\"c\\")"));', "", {'a(b, "c")'}),
    "conversions": ('return refuse(why, status, "%s 0x%lx %02u%%", a(b, c), d[e, f], g);', "",
                    {"<[^<>]+> <[^<>]+> <[^<>]+>%"}),
    "named": ('return refuse(why, status, TEXT);', '#define TEXT \\\n\t"a" "b"\n', {"ab"}),
    "macro": ("return BURNS(why);", '#define BURNS(y) \\\n\trefuse((y), STATUS_IO, "a")\n', {"a"}),
    "passed_in": ('return h(why, x ? "wood" : "coal");', PASSED,
                  {"(?:<[^<>]+>|wood) burns", "(?:<[^<>]+>|coal) burns"}),
    "passed_out": ('if (h(&what)) return refuse(why, STATUS_IO, "%s burns", what);', OUT,
                   {"(?:<[^<>]+>|wood) burns"}),
    "not_called": ("return STATUS_IO;", PASSED.replace("h(", "unused("), set()),
    "in_a_comment": ('return 0; // refuse(why, x, "a")', "", set()),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_form_is_understood(name):
    body, rest, expected = UNDERSTOOD[name]
    body += "\n"
    if not expected:
        rest += 'static int k(void) { return refuse(why, STATUS_IO, "k"); }\n'
        body += "k();"
        expected = {"k"}
    assert fatal(body, rest) == expected


UNCLEAR = {
    "format_is_a_variable": 'return refuse(why, STATUS_IO, text);',
    "format_is_called": 'return refuse(why, STATUS_IO, text("a"));',
    "no_format": "return refuse(why, STATUS_IO);",
    "argument_missing": 'return refuse(why, STATUS_IO, "%u %u", 1);',
    "conversion_unknown": 'return refuse(why, STATUS_IO, "%d", 1);',
    "status_is_called": 'return refuse(why, g(), "a");',
    "status_is_unknown": 'return refuse(why, STATUS_BURNT, "a");',
    "passed_on_unknown": 'return h(why, name(x));',
    "open": 'return refuse(why, STATUS_IO, "a"; }',
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_is_not_understood_fails(name):
    with pytest.raises(Unclear):
        fatal(UNCLEAR[name], PASSED if name == "passed_on_unknown" else "")


@pytest.mark.parametrize("text", (
    "## `io`: x\n| Message | Cause | What to do |\n|---|---|---|\n| `a` | b | c |",
    "## `io`: x\n| Message | Status | Cause | What to do |\n|---|---|---|---|\n| `a` | `b` | c |",
    "## `io`: x\n| Message | Status | Cause | What to do |\n|---|---|---|---|\n| a | `b` | c | d |",
    "## `io`: x\n| Messages |\n|---|\n| `a` |",
), ids=("cells_of_a_warning", "cell_missing", "no_code", "other_head"))
def test_table_that_is_not_understood_fails(text):
    with pytest.raises(Unclear):
        list(read_page(text))
