"""Compiles mask_match._mask, the C library seen from Python (cffi, API mode, limited API).

What it declares is what the C preprocessor makes of mask_research.h, so there is no second list of functions, structs and
options to keep. The library is the one in MASK_BUILD, a build folder of the source tree, or else the installed one that
pkg-config knows. MASK_NO_RPATH: the module does not remember where the library was, as the loader will find it.
"""
import os
import re
import shlex
import subprocess
import tempfile

from cffi import FFI

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["mask", "mask-photos", "mask-research"]

CALLBACKS = """
extern "Python" int mask_py_progress(void *, const char *, const char *, uint64_t, uint64_t);
extern "Python" void mask_py_log(void *, mask_log_level, const char *);
extern "Python" int mask_py_annotation(void *, const char *, const mask_annotation *, size_t);
const char *mask_py_library(void);
void free(void *);
"""

SOURCE = """
#include <dlfcn.h>
#include <stdlib.h>
#include <mask_research.h>

/* The file of the library, beside which the data lies. */
static const char *mask_py_library(void)
{
    Dl_info info;
    return dladdr((void *)mask_version, &info) ? info.dli_fname : "";
}
"""


def pkg_config(*what):
    try:
        done = subprocess.run(["pkg-config", *what, *PACKAGES], stdout=subprocess.PIPE, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit("mask_match: the C library was not found: install it (make install), or set MASK_BUILD to a build "
                         "folder of the source tree (%s)" % error)
    return shlex.split(done.stdout.decode())


def place():
    """Where the library is: keywords of an Extension."""
    build = os.environ.get("MASK_BUILD")
    if build:
        build = os.path.abspath(build)
        include = os.environ.get("MASK_INCLUDE") or os.path.join(HERE, "..", "include")
        return {"include_dirs": [os.path.abspath(include)], "library_dirs": [build], "libraries": list(PACKAGES),
                "extra_link_args": [] if os.environ.get("MASK_NO_RPATH") else ["-Wl,-rpath," + build]}
    return {"include_dirs": [flag[2:] for flag in pkg_config("--cflags-only-I")] or ["/usr/include"],
            "libraries": [flag[2:] for flag in pkg_config("--libs-only-l")],
            "extra_link_args": pkg_config("--libs-only-L") +
            ["-Wl,-rpath," + flag[2:] for flag in pkg_config("--libs-only-L")]}


def without_bodies(text):
    """Inline functions become declarations."""
    out, at = [], 0
    for found in re.finditer(r"static inline (\w+ \w+\([^{;]*\))\s*\{", text):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        out += [text[at:found.start()], found.group(1), ";\n"]
        at = end
    return "".join(out) + text[at:]


def declarations(include):
    """The headers after the preprocessor, without those of the system: cffi knows their types."""
    with tempfile.TemporaryDirectory() as empty:
        for name in ("stdbool.h", "stddef.h", "stdint.h"):
            open(os.path.join(empty, name), "w").close()
        command = ["cc", "-E", "-P", "-nostdinc", "-D__attribute__(x)=", "-I" + empty, "-I" + include,
                   os.path.join(include, "mask_research.h")]
        return without_bodies(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode())


def version(include):
    with open(os.path.join(include, "mask.h"), encoding="utf8") as file:
        return ".".join(re.findall(r"^#define MASK_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", file.read(), re.MULTILINE))


where = place()
INCLUDE = next(path for path in where["include_dirs"] if os.path.exists(os.path.join(path, "mask_research.h")))
VERSION = version(INCLUDE)
ffi = FFI()
ffi.cdef(declarations(INCLUDE) + CALLBACKS)
ffi.set_source("mask_match._mask", SOURCE, depends=[os.path.join(INCLUDE, name) for name in ("mask.h", "mask_options.h",
                                                                                              "mask_research.h")],
               **where)
