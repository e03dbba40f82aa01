"""The page's modules as few files: one with everything that it starts with, and one for each that it loads later.

The sources stay plain ES modules. In the combined file each is a function of its own that returns what it exports, in
the order in which they need each other:

    const $boxes$geometry = (() => { …; return { area }; })();
    const $boxes$spans = (() => { const { area: areaOf } = $boxes$geometry; …; return { … }; })();

A module that is loaded later takes what it shares with the start from there, so that nothing exists twice. Lines travel
without their indentation and types, and empty ones not at all. What a browser would read otherwise than written here is
refused by file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath, relpath

from teachbox.errors import PageError

START = "start.js"
"""Where the combined file is, beside the modules that stay files of their own."""

_QUOTE = '"'
_TOLD = r'"(\.{1,2}/[^"]+)";$'
_IMPORT = re.compile(rf"^import \{{([^{{}}]*)\}} from {_TOLD}", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) ([A-Za-z_]\w*)", re.MULTILINE)
_NOTHING = re.compile(r"^export \{\s*\};$", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b(?!\().*", re.MULTILINE)
_LATER = re.compile(r"\bimport\((.*?)\)")
_WORKER = re.compile(r'new Worker\(new URL\("(\.{1,2}/[^"]+)", import\.meta\.url\)')
_COMMENT = re.compile(r"/\*\*.*?\*/", re.DOTALL)
_BLOCK = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/[ \t]*|//[^\n]*)$", re.DOTALL | re.MULTILINE)
_IDLE = re.compile(r"/\*\* @\w+ [^\n]*?\*/ ?|^\s+", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9_/]+\.js")


@dataclass(frozen=True)
class Module:
    """One source: its text without comments, and what it names. Names of modules are paths from the page's folder."""

    name: str
    text: str
    imports: tuple[str, ...]
    exports: tuple[str, ...]
    later: tuple[str, ...]
    workers: tuple[str, ...]


@dataclass
class _Order:
    """Modules in the order in which they need each other."""

    sources: Mapping[str, str]
    read: dict[str, Module] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)

    def add(self, name: str, wanted_by: str = "") -> None:
        if name in self._under_way:
            raise PageError(f"imports itself by way of {' → '.join([*self._under_way, name])}", where=name)
        if name in self.read:
            return
        if name not in self.sources:
            raise PageError(f"there is no module {name}", where=wanted_by or None)
        module = read_module(name, self.sources[name])
        self._under_way.append(name)
        for other in module.imports:
            self.add(other, name)
        self._under_way.pop()
        self.read[name] = module


def without_comments(program: str) -> str:
    """A program without comments that have lines of their own; every line keeps its number, for who seeks an error."""
    return _BLOCK.sub(lambda comment: "\n" * comment[0].count("\n"), program)


def combine(sources: Mapping[str, str], entry: str) -> dict[str, str]:
    """The files that a page travels as, by path: `start.js`, and what it loads later, in a worker or in the page.

    `sources` are texts of modules by their paths, `entry` is the one that the page runs. Raises `PageError`.
    """
    start = _Order(sources)
    start.add(entry)
    later = _Order(sources, dict(start.read))
    workers: dict[str, str] = {}
    waiting = list(start.read.values())
    while waiting:
        module = waiting.pop()
        for name in module.workers:
            workers[name] = _worker(sources, name)
        for name in module.later:
            if name in start.read:
                raise PageError(f"{name} is there from the start: import it like the others", where=module.name)
            known = set(later.read)
            later.add(name, module.name)
            waiting += [one for key, one in later.read.items() if key not in known]
    alone = [module for name, module in later.read.items() if name not in start.read]
    if any(entry in module.imports for module in alone):
        raise PageError("a module that the page runs is not imported", where=entry)
    shared = sorted({name for module in alone for name in module.imports if name in start.read})
    files = {module.name: _standing_alone(module, start.read) for module in alone}
    programs = {START: _together(start.read.values(), entry, shared), **files, **workers}
    # A twelfth of what travels is indentation, empty lines and the types of single expressions. The first two go in a
    # text of several lines too: such are HTML, which has no use for them. Who wants to read the page, reads the modules
    # as they are written.
    return {name: _IDLE.sub("", text) for name, text in programs.items()}


def read_module(name: str, source: str) -> Module:
    """What a module imports and exports. Raises `PageError`, by line, for a form that cannot be combined."""
    if not _NAME.fullmatch(name):
        raise PageError("a module's name has small letters, digits and _ alone, and ends in .js", where=name)
    text = without_comments(source)
    for odd in _OTHER.finditer(text):
        if not any(form.match(text, odd.start()) for form in (_IMPORT, _EXPORT, _NOTHING)):
            forms = 'import { a, b as c } from "./d.js"; and export before a function, class or const'
            raise PageError(f"{odd[0].strip()!r} cannot be combined; there are {forms}", where=_place(name, text, odd))
    bare = _COMMENT.sub("", text)
    for call in _LATER.finditer(bare):
        if not re.fullmatch(r'"\.{1,2}/[^"]+"', call[1]):
            raise PageError(f"{call[0]!r} does not name a module's file", where=name)
    return Module(
        name,
        text,
        tuple(_target(name, found[2]) for found in _IMPORT.finditer(text)),
        tuple(found[2] for found in _EXPORT.finditer(text)),
        tuple(_target(name, call[1].strip('"')) for call in _LATER.finditer(bare)),
        tuple(_target(name, found[1]) for found in _WORKER.finditer(bare)),
    )


def _together(modules: Iterable[Module], entry: str, shared: Iterable[str]) -> str:
    """One program; `entry` comes last and may wait for things, which nobody who imports this program waits for."""
    parts = []
    for module in modules:
        text = _inside(module)
        if module.name == entry:
            parts.append(f"(async () => {{ // {entry}\n{text}\n}})();\n")
        else:
            given = ", ".join(module.exports)
            parts.append(f"const {_variable('', module.name)} = (() => {{ // {module.name}\n{text}\n"
                         f"return {{ {given} }};\n}})();\n")  # fmt: skip
    given = ", ".join(_variable("", name) for name in shared)
    return "".join(parts) + (f"export {{ {given} }};\n" if given else "")


def _inside(module: Module) -> str:
    """What stands in the function that a module becomes; addresses are meant from `start.js`."""
    name = module.name
    text = _IMPORT.sub(lambda found: _taken(found[1], "const", f"= {_variable(name, found[2])}"), module.text)
    text = _NOTHING.sub("", _EXPORT.sub(r"\1 \2", text))
    text = _LATER.sub(lambda call: f'import("./{_target(name, call[1].strip(_QUOTE))}")', text)
    return text.replace("import.meta.url", f'new URL("{name}", import.meta.url)').strip("\n")


def _standing_alone(module: Module, start: Mapping[str, Module]) -> str:
    """A module loaded later: what the page started with it takes from there, everything else from its own file."""
    to_start = relpath(START, dirname(module.name) or ".")
    to_start = to_start if to_start.startswith(".") else f"./{to_start}"

    def taken(found: re.Match[str]) -> str:
        if _target(module.name, found[2]) not in start:
            return found[0]
        variable = _variable(module.name, found[2])
        return f'import {{ {variable} }} from "{to_start}"; ' + _taken(found[1], "const", f"= {variable}")

    return _IMPORT.sub(taken, module.text)


def _worker(sources: Mapping[str, str], name: str) -> str:
    """A program of its own, that a worker runs."""
    order = _Order(sources)
    order.add(name)
    for module in order.read.values():
        if module.later or module.workers:
            raise PageError("a worker loads nothing later", where=module.name)
    return _together(order.read.values(), name, ())


def _taken(names: str, before: str, after: str) -> str:
    """`const { a, b: c } = …;` for the import of `a, b as c`, in as many lines."""
    inside = re.sub(r"(?<=\w)\s+as\s+(?=\w)", ": ", names)
    return f"{before} {{{inside}}} {after};"


def _target(importer: str, told: str) -> str:
    return normpath(join(dirname(importer), told))


def _variable(importer: str, told: str) -> str:
    return "$" + _target(importer, told).removesuffix(".js").replace("/", "$")


def _place(name: str, text: str, found: re.Match[str]) -> str:
    return f"{name}:{text.count(chr(10), 0, found.start()) + 1}"
