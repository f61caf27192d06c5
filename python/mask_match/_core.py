"""What all classes stand on: calls and their errors, progress, options by name, handles and structs of the C library."""
from __future__ import annotations

import enum
import logging
import os
import sys
import time
from typing import Any, Callable, Dict, Generic, Iterable, List, Optional, Sequence, Tuple, Type, TypeVar, Union, overload

import numpy as np

from . import _mask  # type: ignore[attr-defined]

ffi: Any = _mask.ffi
lib: Any = _mask.lib
logger = logging.getLogger("mask_match")

Path = Union[str, "os.PathLike[str]"]
Progress = Union[None, bool, Callable[[str, str, int, int], Any]]
NO_OFFSET = 2**64 - 1

_wordnet = os.path.join(os.path.dirname(__file__), "data", "wordnet")
if os.path.isdir(_wordnet):  # of a self-contained wheel
    os.environ.setdefault("WNSEARCHDIR", _wordnet)

# ---- Errors ----------------------------------------------------------------------------------------------------

Status = enum.IntEnum("Status", {name[5:]: value for value, name in ffi.typeof("mask_status").elements.items()})  # type: ignore[misc]


class MaskError(Exception):
    """What the library refused, in one line: file, place, what was wrong, what to do.

    status  a Status, such as Status.EFORMAT
    offset  the byte of the file that was refused, or None
    """

    def __init__(self, message: str, status: int = 0, offset: Optional[int] = None):
        super().__init__(message)
        self.status, self.offset = Status(status), offset

    def __reduce__(self) -> Any:
        return MaskError, (self.args[0], int(self.status), self.offset)


def check(status: int, err: Any) -> None:
    if status:
        raise MaskError(ffi.string(err.message).decode(errors="replace"), status, None if err.offset == NO_OFFSET else err.offset)


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function that ends in mask_error *err."""
    err = ffi.new("mask_error *")
    check(function(*arguments, err), err)


# ---- Progress --------------------------------------------------------------------------------------------------

_threads, _seed = int(os.environ.get("MASK_THREADS", "0") or 0), 0


def use(threads: Optional[int] = None, seed: Optional[int] = None) -> None:
    """Sets what calls use from now on: threads (0 = every core) and the seed of everything random."""
    global _threads, _seed, _quick
    _threads = _threads if threads is None else threads
    _seed = _seed if seed is None else seed
    _quick = _run_struct()


def _run_struct() -> Any:
    return ffi.new("mask_run *", {"threads": _threads, "seed": _seed})


_quick = _run_struct()


def quick() -> Any:
    """The mask_run of calls that take milliseconds: they do not report."""
    return _quick


class _Bar:
    """Progress by tqdm where it is installed, else a line on stderr."""

    def __init__(self) -> None:
        self.what, self.unit, self.total, self.shown, self.bar = "", "", 0, 0.0, None
        try:
            from tqdm.auto import tqdm  # type: ignore[import-untyped]
            self.make: Any = tqdm
        except ImportError:
            self.make = None

    def __call__(self, what: str, unit: str, done: int, total: int) -> None:
        new = what != self.what
        if new:
            self.close(True)
            self.bar = self.make(total=total or None, desc=what, unit=" " + unit) if self.make else None
        self.what, self.unit, self.total = what, unit, total
        if new or time.monotonic() > self.shown + 0.2:
            self._show(done)

    def _show(self, done: int) -> None:
        self.shown = time.monotonic()
        if self.bar is not None:
            self.bar.update(done - self.bar.n)
        else:
            of = " of %d" % self.total if self.total else ""
            print("\r%s: %d%s %s" % (self.what, done, of, self.unit), end="", file=sys.stderr, flush=True)

    def close(self, finished: bool) -> None:
        """Ends a piece of work: all of it is done, unless it was stopped."""
        if self.what and self.total and finished:
            self._show(self.total)
        if self.bar is not None:
            self.bar.close()
        elif self.what:
            print(file=sys.stderr)


class Run:
    """One long call: its progress goes to a callback, its log to logging, and Ctrl-C stops it.

    The library asks after each piece of work whether to go on; that is when Python sees signals and exceptions.
    """

    def __init__(self, progress: Progress = None):
        self.bar = _Bar() if progress is True else None
        self.progress = self.bar or (progress if callable(progress) else None)
        self.failure: Optional[BaseException] = None
        self.handle = ffi.new_handle(self)
        self.c = _run_struct()
        self.c.log, self.c.progress, self.c.user = lib.mask_py_log, lib.mask_py_progress, self.handle

    def __call__(self, function: Callable[..., int], *arguments: Any) -> None:
        """Calls a function that ends in const mask_run *run, mask_error *err."""
        err = ffi.new("mask_error *")
        status = function(*arguments, self.c, err)
        if self.bar:
            self.bar.close(status == 0)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        check(status, err)


def failed(kind: Any, error: BaseException, trace: Any) -> None:
    """Keeps what a callback raised until the call returns. Signals raise before a callback's first line."""
    ffi.from_handle(trace.tb_frame.f_locals["user"]).failure = error


@ffi.def_extern(error=1, onerror=failed)
def mask_py_progress(user: Any, what: Any, unit: Any, done: int, total: int) -> int:
    run = ffi.from_handle(user)
    if run.failure is not None:  # of the log
        return 1
    return 1 if run.progress and run.progress(text(what), text(unit), done, total) else 0


@ffi.def_extern(onerror=failed)
def mask_py_log(user: Any, level: int, line: Any) -> None:
    logger.log(logging.WARNING if level == lib.MASK_LOG_WARNING else logging.INFO, "%s", text(line))


# ---- Texts, arrays, structs -------------------------------------------------------------------------------------


def text(c: Any) -> Any:
    """A C string; None for NULL."""
    return ffi.string(c).decode(errors="surrogateescape") if c else None


def encoded(path: Union[Path, bytes]) -> bytes:
    """A file's name for C; "~" is the home folder."""
    return os.fsencode(os.path.expanduser(path))


def strings(items: Iterable[Optional[str]]) -> Tuple[Any, List[Any]]:
    """A char *[] and what must live as long."""
    kept = [ffi.NULL if item is None else ffi.new("char[]", item.encode(errors="surrogateescape")) for item in items]
    return ffi.new("const char *[]", kept), kept


def floats(array: np.ndarray) -> Any:
    """The float32 values of an array, where they lie."""
    return ffi.cast("float *", array.ctypes.data)


def copied(pointer: Any, shape: Tuple[int, ...]) -> np.ndarray:
    """An array of its own of float32 values at a pointer."""
    out = np.empty(shape, np.float32)
    ffi.memmove(out, pointer, out.nbytes)
    return out


def _word_of(kind: Any, value: int) -> str:
    """What an enum's value is called: MASK_WORD_KNOWN is "known"."""
    names = kind.elements
    shared = os.path.commonprefix(list(names.values()))
    return names[value][shared.rfind("_") + 1:].lower().replace("_", "-")


def value_of(owner: Any, name: str, field: Any) -> Any:
    """A struct's field as Python has it."""
    value, kind = getattr(owner, name), field.type
    if kind.kind == "pointer":
        return text(value) if kind.item.cname == "char" else value
    if kind.kind == "array":
        return text(value) if kind.item.cname == "char" else tuple(value)
    if kind.kind == "enum":
        return _word_of(kind, value)
    return Struct(value, owner) if kind.kind == "struct" else value


class Struct:
    """A struct of the C library: its fields are attributes. Valid as long as it is kept, whatever else is closed."""

    __slots__ = ("_c", "_owner", "_index")

    def __init__(self, c: Any, owner: Any = None):
        self._c, self._owner = c, owner

    @classmethod
    def _fields(cls, c: Any) -> Dict[str, Any]:
        kind = ffi.typeof(c)
        return dict((kind.item if kind.kind == "pointer" else kind).fields)

    def __getattr__(self, name: str) -> Any:
        fields = self._fields(self._c)
        if name.startswith("_") or name not in fields:
            raise AttributeError(name)
        return value_of(self._c, name, fields[name])

    def as_dict(self) -> Dict[str, Any]:
        """The fields that are numbers and texts, as a dict."""
        return {name: value for name in self._fields(self._c) if name not in ("memory", "size")
                for value in [getattr(self, name)] if value is None or isinstance(value, (str, int, float, tuple))}

    def __dir__(self) -> List[str]:
        return [*object.__dir__(self), *self._fields(self._c)]

    def __repr__(self) -> str:
        return "%s(%s)" % (type(self).__name__, ", ".join("%s=%r" % item for item in self.as_dict().items()))


T = TypeVar("T")


def position(index: int, count: int) -> int:
    """An index as Python has it, from the end too, as a position."""
    if not -count <= index < count:
        raise IndexError("%d of %d" % (index, count))
    return index % count


class Items(Sequence[T], Generic[T]):
    """A sequence that makes its items when they are asked for: subclasses have __len__ and _item."""

    def _item(self, index: int) -> T:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> List[T]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._item(i) for i in range(*index.indices(len(self)))]
        return self._item(position(index, len(self)))


# ---- Options ----------------------------------------------------------------------------------------------------


def _rows(kind: str) -> Dict[str, Any]:
    count = ffi.new("size_t *")
    rows = lib.mask_options_list(getattr(lib, "MASK_OPTIONS_" + kind), count)
    return {text(rows[i].name): rows[i] for i in range(count[0])}


TABLES: Dict[str, Dict[str, Any]] = {name[13:]: _rows(name[13:]) for name in ffi.typeof("mask_options_kind").elements.values()
                                     if name != "MASK_OPTIONS_KINDS"}
STRUCTS = {"VECTORS": "mask_vectors_import_options"}  # the others are mask_<kind>_options


def _as_text(value: Any) -> bytes:
    if isinstance(value, (bool, np.bool_)):
        return b"on" if value else b"off"
    if isinstance(value, (int, float, np.number)):
        return repr(value.item() if isinstance(value, np.number) else value).encode()
    return os.fsencode(value)


class Options:
    """An options struct, filled by name from a preset, or from an existing struct, and keywords."""

    def __init__(self, kind: str, given: Dict[str, Any], preset: Optional[str] = None, start: Any = None):
        self.kind, self.kept = kind, []  # type: str, List[Any]
        self.number = getattr(lib, "MASK_OPTIONS_" + kind)
        self.c = ffi.new(STRUCTS.get(kind, "mask_%s_options" % kind.lower()) + " *")
        self.size = ffi.sizeof(self.c[0])
        if start is not None:
            self.c[0] = start
        else:
            call(lib.mask_options_preset, self.number, preset.encode() if preset else ffi.NULL, self.c, self.size)
        for name, value in given.items():
            self.set(name, value)

    def set(self, name: str, value: Any) -> None:
        if name not in TABLES[self.kind]:
            known = ", ".join(TABLES[self.kind])
            raise TypeError("unknown option %r: the options of %s are %s" % (name, self.kind.lower(), known))
        if value is not None:
            self.kept.append(ffi.new("char[]", _as_text(value)))  # texts that are set stay ours
            call(lib.mask_option_set, self.number, self.c, name.encode(), self.kept[-1])


def options_of(kind: str, struct: Any) -> Dict[str, str]:
    """An options struct as texts by name."""
    out, room = {}, ffi.new("char[4096]")
    for name in TABLES[kind]:
        call(lib.mask_option_get, getattr(lib, "MASK_OPTIONS_" + kind), struct, name.encode(), room, 4096)
        out[name] = text(room)
    return out


def describe(kind: str) -> str:
    """The options of a kind for a docstring: name, default, what it does."""
    lines = []
    for name, row in TABLES[kind].items():
        words = (text(row.words) or "").split("|") if row.words else []
        default: Any = "%g" % row.otherwise
        if row.type == lib.MASK_OPTION_CHOICE:
            default = words[int(row.otherwise)]
        elif row.type == lib.MASK_OPTION_SWITCH:
            default = bool(row.otherwise)
        elif row.type == lib.MASK_OPTION_TEXT:
            default = None
        more = " (%s)" % ", ".join(words) if words else ""
        lines.append("%s = %s: %s%s" % (name, default, text(row.help), more))
    return "\n".join(lines)


F = TypeVar("F", bound=Callable[..., Any])


def documents(*kinds: str) -> Callable[[F], F]:
    """Puts the options of these kinds at the end of a docstring."""

    def add(function: F) -> F:
        for kind in kinds:
            lines = describe(kind).replace("\n", "\n    ")
            function.__doc__ = "%s\n    Options:\n    %s\n" % ((function.__doc__ or "").rstrip() + "\n", lines)
        return function

    return add


# ---- Handles ----------------------------------------------------------------------------------------------------

H = TypeVar("H", bound="Handle")


class Handle:
    """Something open in the library. Closed by close(), by `with`, or when nobody has it any more.

    What was opened on it keeps it alive: closing a knowledge before its matcher is no mistake. A closed handle raises
    ValueError.
    """

    _kept: Any = None
    _again: Optional[Tuple[Any, ...]] = None

    def _take(self, pointer: Any, close: Callable[[Any], None], keeps: Tuple[Any, ...] = ()) -> None:
        """pointer: the mask_x ** that an open function filled. The memory is freed when the last user is gone."""
        if keeps:
            self._kept = ffi.gc(pointer[0], lambda p, keeps=keeps: close(p))
        else:
            self._kept = ffi.gc(pointer[0], close)

    @property
    def _c(self) -> Any:
        if self._kept is None:
            raise ValueError("%s: closed" % type(self).__name__)
        return self._kept

    @property
    def closed(self) -> bool:
        return self._kept is None

    def close(self) -> None:
        """Gives it back. Calls that are under way on other threads end first; closing twice is fine."""
        self._kept = None

    def __enter__(self: H) -> H:
        self._c
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any) -> None:
        self.close()

    def __reduce__(self) -> Any:
        if self._again is None:
            raise TypeError("%s: made in memory, which cannot be pickled: save it and open the file" % type(self).__name__)
        return self._again
