# SPDX-License-Identifier: BSD-2-Clause
"""tools/slipway-bundle makes the files that it should, shows what files hold, and refuses others.

Binutils and systemd's stubs give the second opinion.  That Slipway boots what the tool makes, and
a UEFI too, is for the rows with a bundle in runs.py.
"""

import hashlib
import importlib.machinery
import importlib.util
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from aarch64.image import NO_EFI_STUB, ImageHeader, compose
from host import BUNDLE, pack, stub, tool
from probe.bzimage import SetupHeader
from probe.bzimage import compose as compose_bzimage

PAGE = 4096
INITRD = b"070701" + bytes(range(95))           # 101 bytes: no multiple of four
CMDLINE = b"console=ttyS0 quiet"
KERNELS = {"x86_64": "6.1-cloud", "aarch64": "arm64-6.1-cloud"}
PREFIX = {"x86_64": "", "aarch64": "aarch64-linux-gnu-"}        # of binutils
MACHINE = {"x86_64": b"\x64\x86", "aarch64": b"\x64\xaa"}
each_arch = pytest.mark.parametrize("arch", KERNELS)

# A bzImage of 0x1400 + 0x1390 bytes, and an Image that has less in its file than in memory.
SETUP = bytes(0x300) + b"6.1.0-test (who@where) #1\0"
BZIMAGE = compose_bzimage(SetupHeader(setup_sects=9, kernel_version=0x100), SETUP, b"K" * 0x1390)
IMAGE = compose(ImageHeader(image_size=0x10000, **NO_EFI_STUB), b"K" * 5000)


def elf(note):
    """An ELF of x86_64 with one program header, of notes."""
    head = struct.pack("<4s5B7x2HI3QI6H", b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, 0x1000000, 64, 0, 0,
                       64, 56, 1, 0, 0, 0)
    return head + struct.pack("<2I6Q", 4, 4, 120, 0, 0, len(note), len(note), 4) + note


VMLINUX = elf(struct.pack("<3I4sQ", 4, 8, 18, b"Xen", 0x1000000))


def run(*arguments):
    return subprocess.run([BUNDLE, *arguments], capture_output=True)


def done(*arguments):
    """What the tool prints; it has nothing to complain about."""
    found = run(*arguments)
    assert found.returncode == 0 and not found.stderr, found.stderr.decode()
    return found.stdout


def parts_of(path):
    """Format, and the parts by their names."""
    found = json.loads(done("list", "--json", path))
    return found["format"], {part["name"]: part for part in found["parts"]}


@pytest.fixture(autouse=True)
def tidy(tmp_path):
    """Removes what a test has made, which is large where it has a kernel in it."""
    yield
    shutil.rmtree(tmp_path)


@pytest.fixture
def put(tmp_path):
    """Writes a file, and returns its path."""
    def put_file(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path
    return put_file


@pytest.fixture
def create(put, tmp_path):
    """Makes a bundle of a kernel and what else is given; options of bytes become files."""
    def make(kernel=BZIMAGE, name="bundle", **options):
        words = ["--kernel", put("kernel", kernel), "--out", tmp_path / name]
        for option, value in options.items():
            for number, one in enumerate(value if isinstance(value, list) else [value]):
                one = put(f"{option}{number}", one) if isinstance(one, bytes) else one
                words += ["--" + option.replace("_", "-"), one]
        assert done("create", *words) == b""
        return tmp_path / name
    return make


def kernel_of(arch):
    return Path(tool("fetch-kernel", KERNELS[arch])).read_bytes()


def objdump(arch, path):
    """Name: (size, address, offset) of each section, and the fields of objdump -p."""
    said = subprocess.run([PREFIX[arch] + "objdump", "-hp", path], check=True,
                          capture_output=True, text=True)
    assert not said.stderr, said.stderr
    rows = re.findall(r"^ +\d+ (\S+) +(\w+)  (\w+)  \w+  (\w+)  2\*\*", said.stdout, re.MULTILINE)
    return {name: tuple(int(number, 16) for number in numbers) for name, *numbers in rows}, \
        dict(re.findall(r"^(\w+)\t+(\w+)", said.stdout, re.MULTILINE))


# -- what is made ------------------------------------------------------------------


@each_arch
@pytest.mark.parametrize("with_stub", (False, True), ids=("plain", "stub"))
def test_a_uki_has_each_part(arch, with_stub, create, tmp_path):
    parts = {".osrel": b"ID=slipway\n", ".uname": b"6.1.0-test", ".cmdline": CMDLINE,
             ".ucode": b"070701" + bytes(506), ".initrd": INITRD, ".linux": kernel_of(arch)}
    more = {"stub": stub(arch)} if with_stub else {}
    path = create(parts[".linux"], initrd=parts[".initrd"], cmdline_file=CMDLINE + b"\n",
                  ucode=parts[".ucode"], os_release=parts[".osrel"], uname="6.1.0-test", **more)
    kind, listed = parts_of(path)
    sections, fields = objdump(arch, path)
    base, base_fields = objdump(arch, more["stub"]) if with_stub else ({}, {})

    assert kind == f"unified kernel image for {arch}"
    assert list(listed) == list(sections) == list(base) + list(parts)
    content = path.read_bytes()
    for name, part in parts.items():
        assert done("extract", path, name) == part, name
        dumped = tmp_path / "dumped"
        subprocess.run([PREFIX[arch] + "objcopy", "--dump-section", f"{name}={dumped}", path,
                        tmp_path / "copy"], check=True)
        assert dumped.read_bytes() == part, name
        size, _, offset = sections[name]
        assert size == len(part) and offset % 512 == 0
        assert listed[name] == {"name": name, "offset": offset, "size": size, "what":
                                listed[name]["what"], "sha256": hashlib.sha256(part).hexdigest()}
    ends = 0
    for size, address, _ in sections.values():
        assert address >= ends
        ends = address + size
    assert all(sections[name][1] % PAGE == 0 for name in parts)
    alignment = int(fields["SectionAlignment"], 16)
    assert int(fields["SizeOfImage"], 16) in range(ends, ends + PAGE)
    assert int(fields["SizeOfImage"], 16) % alignment == 0
    assert int(fields["CheckSum"], 16) == 0

    # What the stub was, it still is.
    for name, where in base.items():
        assert sections[name] == where, name
    for size, _, offset in base.values():
        assert content[offset:offset + size] == more["stub"].read_bytes()[offset:offset + size]
    changed = {name for name in base_fields if fields[name] != base_fields[name]}
    assert changed <= {"SizeOfInitializedData", "SizeOfImage", "CheckSum"}
    if with_stub:
        grown = sum(-(-len(part) // 512) * 512 for part in parts.values())
        assert int(fields["SizeOfInitializedData"], 16) == grown + int(
            base_fields["SizeOfInitializedData"], 16)
    else:
        # No UEFI starts what has no subsystem.
        assert int(fields["Subsystem"], 16) == 0


@each_arch
def test_an_initrd_is_appended(arch, create):
    kernel = kernel_of(arch)
    path = create(kernel, initrd=INITRD, format="appended")
    content = path.read_bytes()
    start = -(-len(kernel) // PAGE) * PAGE
    assert content == kernel.ljust(start, b"\0") + INITRD
    kind, parts = parts_of(path)
    assert kind == f"kernel for {arch} with an initrd appended"
    assert [(part["name"], part["offset"], part["size"]) for part in parts.values()] \
        == [("kernel", 0, len(kernel)), ("initrd", start, len(INITRD))]
    assert done("extract", path, "initrd") == INITRD


def test_an_initrd_follows_what_the_kernel_needs_in_memory(create):
    """An Image without PE tables is in its file without what is zero at its end."""
    content = create(IMAGE, initrd=INITRD, format="appended").read_bytes()
    assert content == IMAGE.ljust(0x10000, b"\0") + INITRD


def test_no_setup_sects_are_four(create):
    """As in the oldest boot protocols."""
    kernel = compose_bzimage(SetupHeader(setup_sects=0), b"", b"K" * (PAGE - 4 * 512))
    content = create(kernel, initrd=INITRD, format="appended").read_bytes()
    assert content == kernel.ljust(2 * PAGE, b"\0") + INITRD


def test_zeros_behind_a_kernel_are_not_in_the_way(create):
    content = create(BZIMAGE + bytes(9000), initrd=INITRD, format="appended").read_bytes()
    assert content == BZIMAGE.ljust(3 * PAGE, b"\0") + INITRD


@pytest.mark.parametrize("form", ("uki", "appended"))
def test_initrds_start_at_multiples_of_four(form, create):
    path = create(initrd=[INITRD, b"070701ab", INITRD], format=form)
    name = ".initrd" if form == "uki" else "initrd"
    assert done("extract", path, name) == INITRD + bytes(3) + b"070701ab" + INITRD


def test_what_is_not_given_has_no_section(create):
    assert list(parts_of(create(cmdline=""))[1]) == [".linux"]


@pytest.mark.parametrize("form", ("uki", "appended"))
def test_the_same_input_gives_the_same_bytes(form, create):
    one, two = (create(name=name, initrd=INITRD, format=form).read_bytes()
                for name in ("one", "two"))
    assert one == two


# -- what is shown -----------------------------------------------------------------


def packed(kind):
    """Of the Image, by tests/tools/pack-kernel."""
    def make(put):
        return pack(kind, put("image", IMAGE), put("packed", b"")).read_bytes()
    return make


@pytest.mark.parametrize("what, kernel", (
    ("bzImage 6.1.0-test, protocol 2.15", BZIMAGE),
    ("ELF with PVH note", VMLINUX),
    ("ELF without PVH note", elf(struct.pack("<3I4sQ", 4, 8, 17, b"Xen", 0))),
    ("arm64 Image without EFI stub", IMAGE),
    ("zboot, gzip", packed("zboot-gzip")),
    ("zboot, zstd22", packed("zboot-zstd22"))))
def test_list_knows_kernels(what, kernel, create, put):
    kernel = kernel(put) if callable(kernel) else kernel
    for path, name in ((put("alone", kernel), "kernel"), (create(kernel), ".linux")):
        assert parts_of(path)[1][name]["what"] == what


@pytest.mark.parametrize("what, start", (
    ("cpio", b"070701"), ("gzip", b"\x1f\x8b"), ("zstd", b"\x28\xb5\x2f\xfd"),
    ("xz", b"\xfd7zXZ\0"), ("lz4", b"\x02\x21\x4c\x18"), ("no archive that is known", b"Text.")))
def test_list_knows_archives(what, start, create):
    path = create(initrd=start + bytes(20))
    assert parts_of(path)[1][".initrd"]["what"] == what


def test_list_is_a_table_of_lines(create):
    """Whatever a part has in it."""
    path = create(cmdline_file=b"a \x1b[2Jb\nc \xff" + b"d" * 300, initrd=INITRD)
    lines = done("list", path).decode("ascii").splitlines()
    assert lines[0] == "unified kernel image for x86_64"
    assert re.fullmatch(r'\.cmdline +0x400 +311  \w{64}  "a \\x1b\[2Jb\\nc \\xffd{189}\.\.\."',
                        lines[2])
    assert len(lines) == 5


def test_help_says_what_starts_a_uki():
    assert b"no UEFI starts it, but Slipway does" in done("--help")
    for command in ("create", "list", "extract"):
        assert command.encode() in done(command, "--help")


# -- what is refused ---------------------------------------------------------------


def uki(put):
    """A UKI of the smallest bzImage."""
    path = put("uki", b"")
    done("create", "--kernel", put("k", BZIMAGE), "--out", path)
    return path.read_bytes()


def changed(old, new, arch="x86_64"):
    """systemd's stub with other bytes where the old ones stand first."""
    def make(_):
        content = stub(arch).read_bytes()
        assert old in content
        return content.replace(old, new, 1)
    return make


def stub_with(offset, fields, *values):
    """systemd's stub for x86_64 with other fields, at an offset from its PE header."""
    def make(_):
        content = bytearray(stub("x86_64").read_bytes())
        at, = struct.unpack_from("<I", content, 0x3C)
        struct.pack_into("<" + fields, content, at + offset, *values)
        return bytes(content)
    return make


OPTIONAL = 24                   # from the PE header
NOT_ENOUGH = stub_with(OPTIONAL + 60, "I", 0x2EF)       # SizeOfHeaders
SIGNED = stub_with(OPTIONAL + 112 + 4 * 8, "2I", 0x14600, 0x100)
AT_4_GIB = stub_with(OPTIONAL + 240 + 12, "I", 0xFFFFF000)     # VirtualAddress of .text
APPENDED = {"format": "appended", "initrd": INITRD}
CUT_ELF = VMLINUX[:100]

CREATE = {
    "kernel-is-text": ("kernel: it is no bzImage, ELF", {"kernel": b"Not a kernel.\n" * 999}),
    "kernel-is-empty": ("kernel: it is empty", {"kernel": b""}),
    "kernel-is-missing": ("nothing: No such file", {"kernel": "nothing"}),
    "kernel-is-a-folder": (".: Is a directory", {"kernel": "."}),
    "kernel-is-a-device": ("/dev/zero: it is not a file", {"kernel": "/dev/zero"}),
    "kernel-is-a-stub": ("kernel: it is no bzImage", {"kernel": changed(b"", b"")}),
    "kernel-is-cut": ("it is no bzImage", {"kernel": BZIMAGE[:0x28F]}),
    "kernel-is-gzip": ("it is no bzImage", {"kernel": packed("gzip")}),
    "kernel-is-a-uki": ("it is no bzImage", {"kernel": uki}),
    "elf-of-arm": ("it is no bzImage", {"kernel": VMLINUX[:18] + b"\xb7" + VMLINUX[19:]}),
    "elf-is-cut": ("kernel: a header at 0x40 is not in its 0x64 bytes", {"kernel": CUT_ELF}),
    "zboot-is-cut": ("kernel: a header", {"kernel": lambda put: packed("zboot-gzip")(put)[:90]}),
    "zboot-of-riscv": ("it is no bzImage", {"kernel": lambda put: packed("zboot-gzip")(
        put).replace(b"PE\0\0\x64\xaa", b"PE\0\0\x64\x50")}),
    "initrd-is-empty": ("initrd: it is empty", {"initrd": b""}),
    "initrd-is-missing": ("nothing: No such file", {"initrd": "nothing"}),
    "cmdline-is-empty": ("cmdline-file: it is empty", {"cmdline-file": b""}),
    "cmdline-has-a-nul": ("cmdline-file: it has a NUL", {"cmdline-file": b"a\0b"}),
    "two-cmdlines": ("not allowed with", {"cmdline": "a", "cmdline-file": b"b"}),
    "ucode-is-empty": ("ucode: it is empty", {"ucode": b""}),
    "os-release-is-empty": ("os-release: it is empty", {"os-release": b""}),
    "stub-is-empty": ("stub: it is empty", {"stub": b""}),
    "stub-is-text": ("stub: it is not a PE file", {"stub": b"Not a stub.\n" * 99}),
    "stub-is-cut": ("stub: a header at", {"stub": lambda _: stub("x86_64").read_bytes()[:0x200]}),
    "stub-of-arm": ("stub: it is for aarch64, and the kernel for x86_64",
                    {"stub": lambda _: stub("aarch64").read_bytes()}),
    "stub-of-ia32": ("stub: it is for 0x14c", {
        "stub": changed(b"PE\0\0\x64\x86", b"PE\0\0\x4c\x01")}),
    "stub-without-signature": ("stub: there is no PE header at 0x80", {
        "stub": changed(b"PE\0\0", b"PF\0\0")}),
    "stub-of-32-bits": ("stub: it is not a PE32+ file", {
        "stub": stub_with(OPTIONAL, "H", 0x10B)}),
    "stub-has-97-sections": ("stub: the PE file has 97 sections", {"stub": stub_with(6, "H", 97)}),
    "stub-is-a-uki": ("stub: it has a section .linux already", {"stub": uki}),
    "stub-is-signed": ("stub: it is signed", {"stub": SIGNED}),
    "stub-has-no-room": ("stub: its headers have no room for 1 more sections", {
        "stub": NOT_ENOUGH}),
    "stub-of-4-GiB": ("stub: with all sections it would have 4 GiB", {"stub": AT_4_GIB}),
    "stub-alignment-0": ("stub: its alignments are 0x0 and 0x200", {
        "stub": stub_with(OPTIONAL + 32, "I", 0)}),
    "stub-file-alignment-2G": ("stub: its alignments are 0x200 and 0x80000000", {
        "stub": stub_with(OPTIONAL + 36, "I", 1 << 31)}),
    "stub-alignment-odd": ("stub: its alignments are 0x200 and 0x300", {
        "stub": stub_with(OPTIONAL + 36, "I", 0x300)}),
    "appended-cmdline": ("takes --kernel and --initrd, and nothing", APPENDED | {"cmdline": "a"}),
    "appended-nothing": ("takes --kernel and --initrd, and nothing", {"format": "appended"}),
    "appended-to-elf": ("kernel: nobody can tell where it ends (ELF with PVH note)",
                        APPENDED | {"kernel": VMLINUX}),
    "appended-to-old-image": ("kernel: nobody can tell where it ends", APPENDED | {
        "kernel": compose(ImageHeader(image_size=0, **NO_EFI_STUB), bytes(5000))}),
    "appended-to-broken-pe": ("kernel: nobody can tell where it ends", APPENDED | {
        "kernel": compose(ImageHeader(code0=0x5A4D, res5=0xFFFFFF00), bytes(5000))}),
    "appended-far": ("kernel: it needs 0xffffffff000 bytes before", APPENDED | {
        "kernel": compose(ImageHeader(image_size=0xFFFFFFFF000, **NO_EFI_STUB), bytes(5000))}),
    "appended-twice": ("kernel: something is appended to it already, at 0x3000", APPENDED | {
        "kernel": BZIMAGE.ljust(3 * PAGE, b"\0") + INITRD}),
    "appended-zeros": ("the initrd starts with 16 zeros", APPENDED | {
        "initrd": bytes(16) + INITRD}),
    "format-unknown": ("invalid choice", {"format": "zip"}),
    "out-in-no-folder": ("nothing/out: No such file", {"out": "nothing/out"}),
    "out-is-a-folder": (".: ", {"out": "."}),
}


def refusal(*arguments):
    """The one line that the tool has to say, and nothing else."""
    found = run(*arguments)
    said = found.stderr.decode()
    assert found.returncode == 1 and not found.stdout
    assert re.fullmatch(r"slipway-bundle[^\n]*: [^\n]+\n", said), said
    return said


def test_room_for_one_section_is_enough(create):
    content = stub_with(OPTIONAL + 60, "I", 0x2F0)(None)
    assert ".linux" in parts_of(create(stub=content))[1]


@pytest.mark.parametrize("name", CREATE)
def test_create_refuses(name, put, tmp_path, monkeypatch):
    """In one line that says which file and why; an older output stays as it was."""
    wanted, options = CREATE[name]
    monkeypatch.chdir(tmp_path)
    words = []
    for option, value in ({"kernel": BZIMAGE, "out": put("out", b"older")} | options).items():
        value = value(put) if callable(value) else value
        words += [f"--{option}", put(option, value).name if isinstance(value, bytes) else value]
    before = sorted(tmp_path.iterdir())
    assert wanted in refusal("create", *words)
    assert (tmp_path / "out").read_bytes() == b"older"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("wanted, content", (
    ("it is neither a kernel nor a unified kernel image", lambda _: b"text"),
    ("it is neither a kernel nor a unified kernel image", lambda _: stub("x86_64").read_bytes()),
    ("it is empty", lambda _: b""),
    (".linux is not in the file's", lambda put: uki(put)[:-512])))
def test_list_refuses(wanted, content, put):
    path = put("bad", content(put))
    assert f"{path}: " in refusal("list", path) and wanted in refusal("list", path)


def test_a_write_that_fails_leaves_the_older_file(put, tmp_path):
    """And nothing else: here no file may have more than 8 KiB."""
    kernel, out = put("kernel", BZIMAGE + bytes(PAGE)), put("out", b"older")
    found = subprocess.run(["bash", "-c", 'ulimit -f 8; exec "$@"', "-", BUNDLE, "create",
                            "--kernel", kernel, "--out", out], capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr == f"slipway-bundle: {out}: File too large\n"
    assert out.read_bytes() == b"older"
    assert sorted(tmp_path.iterdir()) == [kernel, out]


def test_extract_refuses_a_part_that_is_not_there(create):
    assert "it has 0 parts .initrd; there are .linux" in refusal("extract", create(), ".initrd")


def test_extract_refuses_one_of_two(create, put):
    content = create(cmdline="a", uname="b").read_bytes().replace(b".uname\0\0", b".cmdline")
    assert "it has 2 parts .cmdline" in refusal("extract", put("two", content), ".cmdline")


@pytest.fixture(scope="module")
def bundle():
    """The tool as a module."""
    loader = importlib.machinery.SourceFileLoader("slipway_bundle", str(BUNDLE))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def spoiled(content):
    """The content cut in its headers, and with other words in them."""
    end = min(len(content), 0x2E0)
    yield from (content[:size] for size in range(end))
    for offset in range(0, end - 3, 2):
        for word in (0, 1, 0x7FFFFFF0, 0x80000000, 0xFFFFFFFF):
            yield content[:offset] + struct.pack("<I", word) + content[offset + 4:]


def count_refusals(bundle, contents, use):
    """How many are used, and how many refused; all else is an error."""
    used = refused = 0
    for content in contents:
        try:
            use(content)
            used += 1
        except bundle.Refusal as seen:
            assert "\n" not in str(seen)
            refused += 1
    return used, refused


@pytest.mark.parametrize("kernel", (BZIMAGE, VMLINUX, packed("zboot-gzip"), uki),
                         ids=("bzimage", "elf", "zboot", "uki"))
def test_no_header_does_harm(kernel, put, bundle):
    """Whatever a word of a header is, the file is listed or refused."""
    def show(content):
        for part in bundle.find_parts(content)[1]:
            bundle.describe(part.name, part.of(content))
    content = kernel(put) if callable(kernel) else kernel
    assert all(count_refusals(bundle, map(memoryview, spoiled(content)), show))


@each_arch
def test_no_stub_does_harm(arch, bundle):
    def add(content):
        made = bundle.add_sections(content, [(".linux", BZIMAGE)])
        assert bundle.Pe(made).sections[-1].Name == ".linux"
    assert all(count_refusals(bundle, spoiled(stub(arch).read_bytes()), add))
