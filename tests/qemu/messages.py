# SPDX-License-Identifier: BSD-2-Clause
"""Finds in the sources every line that stops a boot, every warning, and in docs/errors.md the
entry of each.

The C is read as tokens, not as lines. A message is the format of a refuse(), arch_fatal(),
log_line() or pci_report(); it is of the stage whose boot_require() can reach it through calls.
Whatever of this cannot be understood is an Unclear, never passed over.

Where a format has a conversion, with the 0x before it, an entry has a <name>. Where it has a %s
for which the code gives string literals, perhaps through parameters, an entry may also have one
of them.
"""

import ast
import itertools
import re
from dataclasses import dataclass, field

from host import ROOT

PAGE = ROOT / "docs/errors.md"
FOLDERS = ("acpi", "arch", "boot", "efi", "fdt", "fwcfg", "lib", "loader", "measure", "pci")
DOUBLES = "arch/host/"  # of the unit tests

# The macros and functions that are the machinery itself.
MACHINERY = {"refuse", "CHECK", "log_line", "reason_write", "log_write", "check_failed",
             "boot_require", "arch_fatal"}
# A refusal that comes to one of these stops no boot: it is said in a warning, or not at all.
FORGIVING = {"copy_setup_data", "acpi_repeat_writes", "accept_setup_data"}
# What these return comes without a reason.
WITHOUT_REASON = re.compile(r"memmap_")

COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|/\*.*?\*/|//[^\n]*', re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
DEFINE = re.compile(r"\s*#\s*define\s+(\w+)(\([^)]*\))?(.*)", re.DOTALL)
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|->|\w+|\S')
NAME = re.compile(r"[A-Za-z_]\w*")
CONVERSION = re.compile(r"(?:0x)?%0?\d*(?:l|ll|z)?[sux]")
PERCENT = "\0"  # in the place of %%
ASSEMBLED = re.compile(r'"slipway: FATAL (\S+) (\S+): ([^"\\]*)')
STATUS_NAME = re.compile(r'\[(STATUS_\w+)\] = "([a-z-]+)"')
OPEN, CLOSE = "([{", ")]}"
PLACEHOLDER = r"<[^<>]+>"
WARNINGS = "warnings"  # in the place of a stage


class Unclear(Exception):
    """Code or a page that cannot be understood."""


@dataclass(eq=False)
class Function:
    """A function, or a macro that takes arguments."""

    path: str
    name: str
    parameters: list
    body: list
    is_local: bool  # to its file

    def __str__(self):
        return f"{self.path}, {self.name}()"


@dataclass(frozen=True)
class Message:
    """What an entry has to look like, as a regular expression."""

    where: str
    pattern: str
    statuses: frozenset = None  # words; None: what others return


@dataclass(frozen=True)
class Entry:
    """A row of the page; a warning has no statuses."""

    stage: str
    text: str
    statuses: frozenset = None


# -- reading C ---------------------------------------------------------------------------


def split_arguments(tokens, where):
    """The arguments of the call whose parenthesis is tokens[0], and how many tokens it has."""
    arguments, depth = [[]], 0
    for i, token in enumerate(tokens):
        depth += (token in OPEN) - (token in CLOSE)
        if depth == 0:
            return arguments if arguments != [[]] else [], i + 1
        if depth == 1 and token == ",":
            arguments.append([])
        elif i > 0:
            arguments[-1].append(token)
    raise Unclear(f"{where}: a parenthesis is not closed")


def names_in(tokens):
    """The identifiers that are no fields."""
    return [token for i, token in enumerate(tokens)
            if NAME.fullmatch(token) and (i == 0 or tokens[i - 1] not in (".", "->"))]


def calls_in(tokens, name, where):
    """The arguments of each call of that name."""
    for i in range(len(tokens) - 1):
        if tokens[i] == name and tokens[i + 1] == "(" and (
                i == 0 or tokens[i - 1] not in (".", "->")):
            yield split_arguments(tokens[i + 1:], where)[0]


def parameter_name(tokens):
    """The name that a parameter's declaration gives; "..." has none."""
    if "(" in tokens:  # a pointer to a function
        return tokens[tokens.index("(") + 2]
    names = NAME.findall(" ".join(tokens[:tokens.index("[")] if "[" in tokens else tokens))
    return names[-1] if names else "..."


def functions_in(path, tokens):
    """A name, parameters and a body, outside of all braces."""
    i, depth, start = 0, 0, 0
    while i < len(tokens):
        token = tokens[i]
        if depth == 0 and token == "(" and NAME.fullmatch(tokens[i - 1]):
            arguments, size = split_arguments(tokens[i:], path)
            end = i + size
            if end < len(tokens) and tokens[end] == "{":
                _, length = split_arguments(tokens[end:], path)
                is_local = "static" in tokens[start:i] and path.endswith(".c")
                yield Function(path, tokens[i - 1], [parameter_name(a) for a in arguments if a],
                               tokens[end + 1:end + length - 1], is_local)
                i = start = end + length
                continue
        depth += (token in OPEN) - (token in CLOSE)
        if depth == 0 and token == ";":
            start = i
        i += 1


@dataclass
class Code:
    """What the files hold: functions, macros for strings, words of statuses, lines in assembly."""

    functions: list = field(default_factory=list)
    strings: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)
    assembled: list = field(default_factory=list)
    known: dict = None  # the functions by name

    def read(self, path, text):
        """One more file; `path` is that inside the project."""
        self.known = None
        if not path.endswith((".c", ".h")):
            self.assembled += [(path, *match.groups()) for match in ASSEMBLED.finditer(text)]
            if text.count("FATAL") != len(ASSEMBLED.findall(text)):
                raise Unclear(f"{path}: a FATAL line that is not understood")
            return
        text = COMMENT.sub(lambda m: " " if m[0].startswith("/") else m[0], text)
        for directive in DIRECTIVE.findall(text):
            self.read_define(path, directive.replace("\\\n", " "))
        tokens = TOKEN.findall(DIRECTIVE.sub("", text))
        self.functions += functions_in(path, tokens)
        self.words.update(STATUS_NAME.findall(text))

    def read_define(self, path, directive):
        match = DEFINE.match(directive)
        if not match:
            return
        name, parameters, tokens = match[1], match[2], TOKEN.findall(match[3])
        if parameters:
            self.functions.append(Function(path, name, NAME.findall(parameters), tokens,
                                           path.endswith(".c")))
        elif tokens and tokens[0].startswith('"'):
            self.strings[name] = tokens

    def named(self, name, path):
        """The functions that this name means in that file: of an architecture, or of both."""
        if self.known is None:
            self.known = {}
            for function in self.functions:
                self.known.setdefault(function.name, []).append(function)
        found = self.known.get(name, [])
        here = [function for function in found if function.path == path]
        return here or [function for function in found if not function.is_local]

    def reached(self, tokens, path):
        """The functions that code can come to, up to those that forgive."""
        found, left = [], [(tokens, path)]
        while left:
            tokens, path = left.pop()
            for name in set(names_in(tokens)) - MACHINERY - FORGIVING:
                for function in self.named(name, path):
                    if function not in found:
                        found.append(function)
                        left.append((function.body, function.path))
        return found

    # -- strings ---------------------------------------------------------------------

    def literals(self, tokens, where):
        """The strings that an expression of literals can be: joined ones, or a choice by ?:."""
        found = []
        for choice in choices(tokens, where):
            pieces = [piece for token in choice for piece in self.strings.get(token, [token])]
            if not pieces or not all(piece.startswith('"') for piece in pieces):
                raise Unclear(f"{where}: no string: {' '.join(tokens)}")
            found.append("".join(ast.literal_eval(piece) for piece in pieces))
        return found

    def values(self, function, tokens):
        """What a %s stands for: (function that says so, pattern), and [] if nobody knows."""
        try:
            return [(function, re.escape(text)) for text in self.literals(tokens, str(function))]
        except Unclear:
            pass
        if tokens[-3:] in (["why", ".", "text"], ["why", "->", "text"]):
            inner = [function, *self.reached(function.body, function.path)]
            return [(function, pattern) for callee in inner
                    for _, pattern, _ in self.refusals(callee)]
        if len(tokens) != 1:
            return []
        if tokens[0] in function.parameters:
            return self.passed_in(function, function.parameters.index(tokens[0]))
        return self.passed_out(function, tokens[0])

    def passed_in(self, function, index):
        """The strings that callers give for a parameter."""
        found = []
        for caller in self.functions:
            if function not in self.named(function.name, caller.path):
                continue
            for arguments in calls_in(caller.body, function.name, str(caller)):
                if len(arguments) != len(function.parameters):
                    raise Unclear(f"{caller}: a call of {function.name}()")
                values = self.values(caller, arguments[index])
                if not values:
                    raise Unclear(f"{caller}: what it gives {function.name}() is not known")
                found += values
        return found

    def passed_out(self, function, name):
        """The strings that a callee writes to the variable whose address it is given."""
        found = []
        for callee in self.functions:
            if callee.path != function.path or callee.name in MACHINERY:
                continue
            for arguments in calls_in(function.body, callee.name, str(function)):
                if ["&", name] not in arguments:
                    continue
                out = callee.parameters[arguments.index(["&", name])]
                for i in range(len(callee.body) - 2):
                    if callee.body[i:i + 3] == ["*", out, "="]:
                        end = callee.body.index(";", i)
                        found += [(function, re.escape(text)) for text in
                                  self.literals(callee.body[i + 3:end], str(callee))]
        return found

    def patterns(self, function, form, arguments):
        """Each pattern of a format and its arguments, and the function that says so."""
        found = []
        for text in self.literals(form, str(function)):
            # Every other one of the parts is a conversion.
            parts = re.split(f"({CONVERSION.pattern})", text.replace("%%", PERCENT))
            conversions = parts[1::2]
            if len(conversions) != len(arguments) or "%" in "".join(parts[::2]):
                raise Unclear(f"{function}: {len(arguments)} arguments for {text!r}")
            pieces = [re.escape(piece.replace(PERCENT, "%")) for piece in parts[::2]]
            slots = []
            for conversion, argument in zip(conversions, arguments):
                values = self.values(function, argument) if conversion == "%s" else []
                slots.append([(who, f"(?:{PLACEHOLDER}|{pattern})") for who, pattern in values]
                             or [(function, PLACEHOLDER)])
            for chosen in itertools.product(*slots):
                who = next((who for who, _ in chosen if who is not function), function)
                pattern = pieces[0] + "".join(
                    slot + piece for (_, slot), piece in zip(chosen, pieces[1:]))
                found.append((who, pattern))
        return found

    # -- messages --------------------------------------------------------------------

    def statuses(self, function, tokens):
        """The words of a status; None when it is a variable."""
        found = choices(tokens, str(function))
        if ["status"] in found:
            return None
        if not all(len(choice) == 1 and choice[0] in self.words for choice in found):
            raise Unclear(f"{function}: no status: {' '.join(tokens)}")
        return frozenset(self.words[choice[0]] for choice in found)

    def refusals(self, function):
        """(function, pattern, statuses) of each refusal that stands in a function."""
        if function.name in MACHINERY:
            return
        for arguments in calls_in(function.body, "refuse", str(function)):
            if len(arguments) < 3:
                raise Unclear(f"{function}: a refuse() without a reason")
            statuses = self.statuses(function, arguments[1])
            for who, pattern in self.patterns(function, arguments[2], arguments[3:]):
                yield who, pattern, statuses
        for arguments in calls_in(function.body, "reason_write", str(function)):
            for who, pattern in self.patterns(function, arguments[1], arguments[2:]):
                yield who, pattern, None

    def ours(self):
        return [function for function in self.functions if function.name not in MACHINERY]

    def fatal(self):
        """{stage: messages}"""
        found = {}
        refusals = [refusal for function in self.ours() for refusal in self.refusals(function)]
        for function in self.ours():
            for arguments in calls_in(function.body, "boot_require", str(function)):
                if len(arguments) != 3:
                    raise Unclear(f"{function}: a boot_require()")
                reached = self.reached(arguments[2], function.path)
                for stage in self.literals(arguments[1], str(function)):
                    messages = found.setdefault(stage, set())
                    messages |= {Message(str(who), pattern, statuses)
                                 for who, pattern, statuses in refusals if who in reached}
                    if WITHOUT_REASON.match(arguments[2][0]):
                        messages.add(Message(str(function), ""))
            self.add_last_words(function, found)
        for path, stage, word, text in self.assembled:
            found.setdefault(stage, set()).add(Message(path, re.escape(text), frozenset([word])))
        return found

    def add_last_words(self, function, found):
        """What arch_fatal() and check_failed() are given, without a boot_require()."""
        where = str(function)
        for stage, status, reason in calls_in(function.body, "arch_fatal", where):
            if reason == ["reason"]:
                formats = list(calls_in(function.body, "format_text", where))
                if len(formats) != 1:
                    raise Unclear(f"{where}: which reason?")
                patterns = self.patterns(function, formats[0][2], formats[0][3:])
            else:
                patterns = [(function, re.escape(text)) for text in self.literals(reason, where)]
            for name in self.literals(stage, where):
                found.setdefault(name, set()).update(
                    Message(where, pattern, self.statuses(function, status))
                    for _, pattern in patterns)
        fault = frozenset([self.words["STATUS_FAULT"]])
        for what, in calls_in(function.body, "check_failed", where):
            found.setdefault("check", set()).update(
                Message(where, re.escape(text), fault) for text in self.literals(what, where))
        for condition in calls_in(function.body, "CHECK", where):
            found.setdefault("check", set()).add(Message(where, PLACEHOLDER, fault))

    def warnings(self):
        """What log_line() and pci_report() say at the level warn, or at one that is given."""
        found = set()
        for function in self.ours():
            where = str(function)
            for _, level, form, *arguments in calls_in(function.body, "log_line", where):
                if is_warning(function, level):
                    found |= {Message(where, pattern)
                              for _, pattern in self.patterns(function, form, arguments)}
            for _, level, _, _, what in calls_in(function.body, "pci_report", where):
                if is_warning(function, level):
                    said = self.values(function, what)
                    if not said:
                        raise Unclear(f"{where}: what it reports is not known")
                    found |= {Message(str(who), f"pci {PLACEHOLDER}: {text}")
                              for who, text in said}
            if list(calls_in(function.body, "log_write", where)) and (
                    "LOG_INFO" not in function.body):
                raise Unclear(f"{where}: a log_write() without a level")
        return found


def is_warning(function, level):
    """Whether a line of that level can be a warning."""
    if function.name == "pci_report" and level == ["level"]:
        return False  # its callers are asked
    levels = {name for name in level if name.startswith("LOG_")}
    if not levels:
        raise Unclear(f"{function}: no level: {' '.join(level)}")
    return "LOG_WARN" in levels


def choices(tokens, where):
    """What an expression can be, without its parentheses: one, or what a ?: chooses from."""
    while tokens and tokens[0] == "(" and split_arguments(tokens, where)[1] == len(tokens):
        tokens = tokens[1:-1]
    depth = 0
    for i, token in enumerate(tokens):
        depth += (token in OPEN) - (token in CLOSE)
        if depth == 0 and token == "?":
            colon = matching_colon(tokens, i, where)
            return choices(tokens[i + 1:colon], where) + choices(tokens[colon + 1:], where)
    return [tokens]


def matching_colon(tokens, question, where):
    """The colon of the ?: whose question mark stands there."""
    depth = 0
    for i in range(question + 1, len(tokens)):
        depth += (tokens[i] in OPEN + "?") - (tokens[i] in CLOSE)
        if tokens[i] == ":":
            if depth == 0:
                return i
            depth -= 1
    raise Unclear(f"{where}: a ? without its :")


def read_code(root=ROOT):
    """The sources of the firmware."""
    code = Code()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            name = str(path.relative_to(root))
            if path.suffix in (".c", ".h", ".asm", ".S") and not name.startswith(DOUBLES):
                code.read(name, path.read_text())
    return code


# -- reading the page --------------------------------------------------------------------

STAGE = re.compile(r"## `(\w+)`: .*")
HEADS = {"| Message | Status | Cause | What to do |": True,
         "| Message | Cause | What to do |": False}
NOTHING = "*nothing*"  # in the place of a message


def read_page(text):
    """Every entry; what looks like a table of messages and is none is Unclear."""
    stage, statuses_too = None, None
    for line in text.splitlines():
        if line.startswith("#"):
            match = STAGE.fullmatch(line)
            stage = match[1] if match else WARNINGS if line == "## Warnings" else None
        if not line.startswith("|"):
            statuses_too = None
        elif statuses_too is None:
            statuses_too = HEADS.get(line, "other")
            if statuses_too == "other" and stage or statuses_too is (stage == WARNINGS):
                raise Unclear(f"the page: a table that does not belong here: {line}")
        elif statuses_too != "other" and not line.startswith("|---"):
            yield read_row(line, stage, statuses_too)


def read_row(line, stage, statuses_too):
    cells = line.strip("|").split(" | ")
    cells = [cell.strip() for cell in cells]
    if len(cells) != 3 + statuses_too or not all(cells):
        raise Unclear(f"the page: not the cells of an entry: {line}")
    text = "" if cells[0] == NOTHING else cells[0].strip("`")
    if text and cells[0] != f"`{text}`":
        raise Unclear(f"the page: no message: {cells[0]}")
    if not statuses_too:
        return Entry(stage, text)
    return Entry(stage, text, frozenset(word.strip("`") for word in cells[1].split(", ")))


# -- one against the other ---------------------------------------------------------------


def mistakes(code, entries):
    """One sentence for each message without an entry, entry without a message, and so on."""
    messages = {**code.fatal(), WARNINGS: code.warnings()}
    yield from unreached(code)
    for stage in sorted(set(messages) - {entry.stage for entry in entries}):
        yield f"the page has no stage {stage}"
    for entry in entries:
        if entries.count(entry) > 1:
            yield f"{entry.stage}: two entries {entry.text!r}"
        matched = [message for message in messages.get(entry.stage, ())
                   if re.fullmatch(message.pattern, entry.text)]
        if not matched:
            yield f"{entry.stage}: nothing says {entry.text!r}"
        elif entry.stage != WARNINGS:
            yield from wrong_statuses(code, entry, matched)
    for stage in messages:
        texts = [entry.text for entry in entries if entry.stage == stage]
        for message in sorted(messages[stage], key=str):
            if not any(re.fullmatch(message.pattern, text) for text in texts):
                yield f"{stage}: no entry for {readable(message.pattern)!r} of {message.where}"


def wrong_statuses(code, entry, matched):
    """The words are those of the code; where a variable has the status, they are among all."""
    known = frozenset().union(*(message.statuses or () for message in matched))
    if not entry.statuses <= set(code.words.values()) or not known <= entry.statuses:
        yield f"{entry.stage}: {entry.text!r} has a wrong status"
    elif entry.statuses != known and all(message.statuses for message in matched):
        yield f"{entry.stage}: {entry.text!r} is {sorted(known)} only"


def unreached(code):
    """Refusals that no boot_require() and no warning comes to."""
    reached = []
    for function in code.functions:
        if function.name in FORGIVING:
            reached += [function, *code.reached(function.body, function.path)]
        for arguments in calls_in(function.body, "boot_require", str(function)):
            reached += code.reached(arguments[2], function.path)
    for function in code.ours():
        if function not in reached and list(code.refusals(function)):
            yield f"no stage comes to the refusals of {function}"


def readable(pattern):
    return re.sub(r"\\(.)", r"\1", pattern.replace(PLACEHOLDER, "<...>"))
