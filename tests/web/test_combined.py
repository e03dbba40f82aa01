"""The page's modules as few programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from teachbox.errors import PageError
from teachbox.web.combined import combine, read_module, without_comments
from teachbox.web.pages import STATIC

MODULES = {path.relative_to(STATIC).as_posix(): path.read_text() for path in sorted(STATIC.rglob("*.js"))}


def test_comments_go_and_lines_keep_their_numbers():
    kept = ["f(a);", "/** @type {X} */ (a).b();", 'c = "/** three */"; // four']
    lines = ["/**", " * One.", " */", kept[0], "  /** Two. */", *kept[1:], "  // Five: /**", "d;"]
    assert without_comments("\n".join(lines)).split("\n") == ["", "", "", kept[0], "", *kept[1:], "", "d;"]


def test_each_module_becomes_a_function_in_the_order_of_need():
    sources = {
        "app.js": 'import { area as areaOf,\n  SIDE } from "./boxes/size.js";\nimport { half } from "./half.js";\n'
        "use(areaOf);",
        "boxes/size.js": 'import { half } from "../half.js";\nexport const SIDE = 4;\nexport async function area() {}',
        "half.js": "const two = 2;\nexport function half(n) { return n / two; }\nexport class Half {}",
    }
    assert combine(sources, "app.js") == {
        "start.js": """const $half = (() => { // half.js
const two = 2;
function half(n) { return n / two; }
class Half {}
return { half, Half };
})();
const $boxes$size = (() => { // boxes/size.js
const { half } = $half;
const SIDE = 4;
async function area() {}
return { SIDE, area };
})();
(async () => { // app.js
const { area: areaOf,
SIDE } = $boxes$size;
const { half } = $half;
use(areaOf);
})();
"""
    }


def test_what_is_loaded_later_takes_from_the_start_what_is_there():
    sources = {
        "app.js": 'import { say } from "./panels/dom.js";\nsay((await import("./later/list.js")).list);',
        "panels/dom.js": "export const say = console.log;",
        "later/list.js": 'import { say as tell } from "../panels/dom.js";\n'
        'import { row } from "./row.js";\nexport const list = [row];',
        "later/row.js": "export const row = 1;",
    }
    files = combine(sources, "app.js")
    assert sorted(files) == ["later/list.js", "later/row.js", "start.js"]
    assert files["start.js"].splitlines()[-4:] == [
        "const { say } = $panels$dom;",
        'say((await import("./later/list.js")).list);',
        "})();",
        "export { $panels$dom };",
    ]
    assert files["later/list.js"].splitlines() == [
        'import { $panels$dom } from "../start.js"; const { say: tell } = $panels$dom;',
        'import { row } from "./row.js";',
        "export const list = [row];",
    ]
    assert files["later/row.js"] == sources["later/row.js"]


def test_a_worker_is_a_program_of_its_own():
    worker = 'new Worker(new URL("./decode.js", import.meta.url), { type: "module" })'
    sources = {
        "app.js": 'import { open } from "./canvas/images.js";\nopen();',
        "canvas/images.js": f"export const open = () => {worker};",
        "canvas/decode.js": 'import { half } from "../half.js";\nonmessage = half;',
        "half.js": "export const half = 0.5;",
    }
    files = combine(sources, "app.js")
    assert 'new URL("./decode.js", new URL("canvas/images.js", import.meta.url))' in files["start.js"]
    assert "$half" not in files["start.js"]
    assert files["canvas/decode.js"].startswith("const $half = (() => { // half.js\n")


def test_an_empty_module_is_an_empty_program():
    assert combine({"app.js": ""}, "app.js") == {"start.js": "(async () => { // app.js\n})();\n"}
    types = combine({"app.js": 'import {} from "./types.js";', "types.js": "/** Words. */\n\nexport {};\n"}, "app.js")
    assert types["start.js"].startswith("const $types = (() => { // types.js\nreturn {  };\n})();\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("f();\nexport default f;", "a.js:2: 'export default f;' cannot be combined"),
        ("export let n = 1;", "a.js:1: 'export let n = 1;' cannot be combined"),
        ("const a = 1;\nexport { a };", r"a.js:2: 'export \{ a \};' cannot be combined"),
        ('export * from "./b.js";', "a.js:1: "),
        ('import "./b.js";', "a.js:1: "),
        ('import b from "./b.js";', "a.js:1: "),
        ('import * as b from "./b.js";', "a.js:1: "),
        ('import { b } from "far/away.js";', "a.js:1: "),
        ("const all = await import(name);", r"a.js: 'import\(name\)' does not name a module's file"),
    ],
)
def test_a_form_that_would_be_read_otherwise_is_refused_by_file_and_line(text, complaint):
    with pytest.raises(PageError, match=complaint):
        read_module("a.js", text)


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        (
            {f"{a}.js": f'import {{ x }} from "./{b}.js";' for a, b in ("ab", "bc", "cb")},
            "b.js: imports itself by way of a.js → b.js → c.js → b.js",
        ),
        ({"a.js": 'import { b } from "./b.js";'}, "a.js: there is no module b.js"),
        (
            {"a.js": 'import { b } from "./b.js";\nimport("./b.js");', "b.js": "export const b = 1;"},
            "a.js: b.js is there from the start: import it like the others",
        ),
        (
            {"a.js": 'import("./b.js");', "b.js": 'import { a } from "./a.js";'},
            "a.js: a module that the page runs is not imported",
        ),
        ({"a.js": 'import { b } from "./B.js";', "B.js": ""}, "B.js: a module's name has small letters"),
        (
            {"a.js": 'new Worker(new URL("./b.js", import.meta.url));', "b.js": 'import("./c.js");', "c.js": ""},
            "b.js: a worker loads nothing later",
        ),
    ],
)  # fmt: skip
def test_modules_that_do_not_fit_together_are_refused(sources, complaint):
    with pytest.raises(PageError) as refused:
        combine(sources, "a.js")
    assert str(refused.value).startswith(complaint)


def test_the_page_s_programs_hold_every_module():
    files = combine(MODULES, "app.js")
    together = re.findall(r"=> \{ // (\S+)$", files["start.js"], re.MULTILINE)
    # Of `types.js` only the checker of types knows.
    assert sorted([*together, *files, "types.js"]) == sorted([*MODULES, "start.js"])
    assert len(set(together)) == len(together)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_page_s_programs_are_programs(tmp_path):
    for name, text in combine(MODULES, "app.js").items():
        path = (tmp_path / name.replace("/", "-")).with_suffix(".mjs")
        path.write_text(text)
        subprocess.run(["node", "--check", path], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_combined_program_does_what_the_modules_do(tmp_path):
    sources = {
        "app.js": 'import { add, total } from "./sum.js";\nadd(2);\n'
        'const { addTen, Kind } = await import("./later/ten.js");\naddTen();\n'
        "console.log(JSON.stringify([total(), new Kind() instanceof Kind, `a  b`]));",
        "sum.js": "let sum = 0;\nexport function add(n) { sum += n; }\nexport const total = () => sum;",
        "later/ten.js": 'import { add } from "../sum.js";\nexport const addTen = () => add(10);\nexport class Kind {}',
        "package.json": '{"type": "module"}',
    }
    modules = {name: text for name, text in sources.items() if name.endswith(".js")}
    said = []
    for folder, files, entry in ("plain", sources, "app.js"), ("combined", combine(modules, "app.js"), "start.js"):
        for name, text in (sources | files).items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run(["node", tmp_path / folder / entry], check=True, capture_output=True, timeout=20)
        said.append(json.loads(done.stdout))
    assert said == [[12, True, "a  b"]] * 2
