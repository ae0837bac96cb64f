# SPDX-License-Identifier: BSD-2-Clause
"""The build itself: the same bytes everywhere, and with both compilers."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("Makefile", "acpi", "arch", "boot", "fdt", "fwcfg", "lib", "linker", "loader", "pci",
           "tests")


def make(folder, *arguments):
    done = subprocess.run(["make", "-C", folder, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def copy(tmp_path):
    """Makes a copy of the sources in a folder of that name."""
    def make_copy(name):
        folder = tmp_path / name
        folder.mkdir()
        for source in SOURCES:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / source)
            else:
                shutil.copy(ROOT / source, folder)
        return folder
    return make_copy


def test_two_builds_in_two_folders_are_the_same(copy):
    images = []
    for name, options in (("one", ()), ("another-folder", ("O=out/of/tree",))):
        folder = copy(name)
        make(folder, "-j2", *options)
        out = folder / ("out/of/tree" if options else "build")
        images.append((out / "x86_64/fw.bin").read_bytes())
    assert images[0] == images[1]


def test_clang_builds_without_a_warning(copy):
    folder = copy("clang")
    said = make(folder, "-j2", "CC=clang")
    assert "warning" not in said, said
    assert (folder / "build/x86_64/fw.bin").stat().st_size == 0x10000


def test_build_leaves_the_sources_alone(copy):
    folder = copy("sources")
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    make(folder, "-j2", f"O={folder.parent / 'elsewhere'}")
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_V_shows_the_commands(copy):
    said = make(copy("verbose"), "-n", "V=1")
    assert "gcc" in said and "nasm" in said


def test_sources_are_formatted():
    """As .clang-format says; `clang-format -i` on the file mends it."""
    sources = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.[ch]")]
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources],
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
