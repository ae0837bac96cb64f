# SPDX-License-Identifier: BSD-2-Clause
"""The build itself: the same bytes everywhere, and with both compilers."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import aarch64.runs
import aarch64.trial
import hashtable
import runs
from host import Host
from trial import Trial

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("Makefile", "acpi", "arch", "boot", "efi", "fdt", "fwcfg", "lib", "linker", "loader",
           "measure", "pci", "tests", "tools")
KIB = 1024
# Make's arguments for each image, and the most bytes that it may have.
IMAGES = {
    "x86_64": ((), 64 * KIB),
    "aarch64": (("ARCH=aarch64",), 128 * KIB),
    "aarch64-no-decompressors": (("ARCH=aarch64", "UNPACK=no"), 64 * KIB),
}
each_image = pytest.mark.parametrize("image", IMAGES)


def run_make(folder, *arguments):
    """Runs make there; the make that started these tests has no say in it."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("O", "ARCH", "CC", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", "-C", folder, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment)


def make(folder, *arguments):
    done = run_make(folder, *arguments)
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


def size_of(folder, image):
    return (folder / "build" / image.partition("-")[0] / "fw.bin").stat().st_size


@each_image
def test_two_builds_in_two_folders_are_the_same(image, copy):
    images = []
    for name, options in (("one", ()), ("another-folder", ("O=out/of/tree",))):
        folder = copy(name)
        make(folder, "-j2", *IMAGES[image][0], *options)
        out = folder / ("out/of/tree" if options else "build")
        images.append((out / image.partition("-")[0] / "fw.bin").read_bytes())
    assert images[0] == images[1]
    assert len(images[0]) <= IMAGES[image][1]


@pytest.mark.parametrize("image", [image for image in IMAGES if image != "x86_64"])
def test_clang_builds_without_a_warning(image, copy, out):
    """And what it builds boots, on a CPU that has all that the image can make use of."""
    folder = copy("clang")
    said = make(folder, "-j2", "CC=clang", *IMAGES[image][0])
    assert "warning" not in said, said
    assert size_of(folder, image) <= IMAGES[image][1]
    host = Host.of("aarch64", folder / "build" / "aarch64" / "fw.bin", out / "tests" / "clang")
    aarch64.trial.Trial(aarch64.runs.probe(f"clang-{image}", cpu="max"), host).boot()


def test_clang_compiles_for_x86_64_without_a_warning(copy):
    """Its code does not fit into the image, and it says so."""
    folder = copy("clang")
    said = make(folder, "-j2", "CC=clang", "objects")
    assert "CC      boot/x86_64/main.c" in said and "warning" not in said, said
    done = run_make(folder, "CC=clang")
    assert done.returncode != 0 and "use gcc" in done.stdout, done.stdout


@pytest.mark.parametrize("arch", ("x86_64", "aarch64"))
def test_hashes_required(arch, copy, out):
    """The image boots what a hash table vouches for, and without a table nothing."""
    folder = copy("required")
    make(folder, "-j2", f"ARCH={arch}", "HASHES=required")
    host = Host.of(arch, folder / "build" / arch / "fw.bin", out / "tests" / "required")
    if arch == "x86_64":
        trial, rows = Trial, runs
    else:
        trial, rows = aarch64.trial.Trial, aarch64.runs
    row = rows.probe(f"required-{arch}", source="opt", initrd=5000)
    trial(replace(row, hashes=hashtable.agreed), host).boot()
    refused = trial(replace(row, name=f"{row.name}-no-table"), host)
    assert not refused.go()
    assert re.fullmatch("slipway: FATAL hashes not-found: there is no hash table at 0x[0-9a-f]+\n",
                        refused.said_before), refused.result.describe()


def test_hashes_of_another_kind(copy):
    done = run_make(copy("wrong"), "-n", "HASHES=maybe")
    assert done.returncode != 0 and "HASHES=maybe is not required" in done.stdout


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
