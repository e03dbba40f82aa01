"""How fluid the page is, in headless Chromium against the real server.

    python benchmarks/canvas.py [--json FILE] [--boxes 5000] [--images 500]
        [--only first_paint fluidity large_image heap]

Says, and with --json writes, each with the bound that it is held against:

- frame_p95_ms: between two frames while 5,000 boxes are panned, zoomed, and one of them is dragged;
- input_to_paint_p95_ms: from a key that moves the selected box, or a click that adds one, to the frame that shows it;
- add_ms, resize_ms: work on the page's thread for one such edit, with 10 boxes and with 5,000;
- large_image_block_ms: the longest that an image of 100 megapixels holds up the page while it opens and is looked at;
- heap_growth_mib: JavaScript heap after 500 images, less that after the first 50;
- first_paint_s: from the request for the page to the first image on it;
- js_gzip_kib: the page's own code, as it travels.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from teachbox.annotation import make_span
from teachbox.store import Store
from teachbox.web import pages
from teachbox.web.app import create_app
from teachbox.web.combined import START, combine
from teachbox.web.feed import Feed
from teachbox.web.server import WebServer, bind
from teachbox.web.static_files import ENTRY

LABELS = [
    {"name": f"kind {n}", "color": f"#{n * 23 % 256:02x}{n * 71 % 256:02x}{n * 131 % 256:02x}"} for n in range(10)
]
BOUNDS = {
    "frame_p95_ms": 25,
    "input_to_paint_p95_ms": 50,
    "large_image_block_ms": 100,
    "heap_growth_mib": 10,
    "first_paint_s": 0.5,
    "js_gzip_kib": 60,
}
ROUNDS = 3
"""Each motion is done so often; its median counts, for the machine does other things too."""
HUMAN_MS = 80
"""Between two edits, as fast as a person makes them."""
CONTEXT: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "bypass_csp": True}
"""The page's policy forbids what Playwright waits with."""

RECORD_FRAMES = """() => { window.gaps = []; let last = 0; window.recording = true;
    const tick = now => { if (last) gaps.push(now - last); last = now;
        if (window.recording) requestAnimationFrame(tick); };
    requestAnimationFrame(tick); }"""
STOP_FRAMES = "() => { window.recording = false; return window.gaps; }"
# The message comes after the frame that shows what the event changed. Of keys and clicks as a person gives them: those
# that `edit_times` fires in one go would wait for each other.
RECORD_INPUT = """kinds => { window.waits = [];
    const record = event => { if (event.isTrusted && event.key !== "Shift") requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => waits.push(performance.now() - event.timeStamp);
        channel.port2.postMessage(0); }); };
    for (const kind of kinds) document.addEventListener(kind, record, true); }"""
# How long the listeners of an event and the frame after it keep the page's thread.
TIME_KEY = """([key, code, alt, times]) => { const all = []; for (let n = 0; n < times; n += 1) {
    const start = performance.now();
    document.dispatchEvent(new KeyboardEvent("keydown", {key, code, altKey: alt, bubbles: true, cancelable: true}));
    all.push(performance.now() - start); } return all; }"""


@contextmanager
def serving(folder: Path, tasks: list[dict[str, Any]]) -> Iterator[str]:
    """The address of the page over `tasks`."""
    with Store.open(str(folder / "bench.db")) as store:
        feed = Feed(tasks, store, "bench", labels=[label["name"] for label in LABELS])
        listener = bind("127.0.0.1", 0)
        ready = threading.Event()
        server = WebServer(create_app(store, feed, {"labels": LABELS, "threshold": 0.5}), listener, ready.set)
        thread = threading.Thread(target=server.run)
        thread.start()
        ready.wait(20)
        try:
            yield f"http://127.0.0.1:{server.port}/"
        finally:
            server.stop()
            thread.join(20)


@contextmanager
def page_at(browser: Any, address: str) -> Iterator[Page]:
    """A page on its first image."""
    context = browser.new_context(**CONTEXT)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#canvas[data-task]:not([data-task=''])", timeout=60_000)
    yield page
    context.close()


def photo(path: Path, width: int, height: int, seed: int = 0) -> Path:
    """A JPEG with something to see everywhere."""
    small = Image.effect_noise((64 + seed % 7, 64), 90).convert("RGB")
    small.putpixel((0, 0), (seed % 256, seed // 256, 80))
    small.resize((width, height), Image.Resampling.BILINEAR).save(path, quality=80)
    return path


def boxes(count: int, width: int, height: int) -> list[dict[str, Any]]:
    """Boxes of a person, all over an image."""
    rng = random.Random(count)
    spans = []
    for number in range(count):
        x, y = rng.uniform(0, width - 70), rng.uniform(0, height - 70)
        w, h = rng.uniform(12, 64), rng.uniform(12, 64)
        spans.append(dict(make_span(f"kind {number % 10}", y, x, y + h, x + w)))
    return spans


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def fluidity(browser: Any, folder: Path, count: int) -> dict[str, Any]:
    """Frames and waits with `count` boxes, and the same edits with ten."""
    path = photo(folder / "crowd.jpg", 4000, 3000)
    few = photo(folder / "few.jpg", 4000, 3000, 1)
    tasks = [{"path": str(path), "spans": boxes(count, 4000, 3000)}, {"path": str(few), "spans": boxes(10, 4000, 3000)}]
    found: dict[str, Any] = {}
    with serving(folder, tasks) as address, page_at(browser, address) as page:
        page.wait_for_timeout(1500)
        rounds = [{run.__name__: p95(run(page)) for run in (pan, zoom, drag)} for _ in range(ROUNDS)]
        found["frames"] = {name: round(statistics.median(one[name] for one in rounds), 1) for name in rounds[0]}
        found["frame_p95_ms"] = max(found["frames"].values())
        page.evaluate(RECORD_INPUT, ["keydown", "pointerup"])
        edits = {"5000": edit_times(page)}
        found["input_to_paint_p95_ms"] = round(p95(page.evaluate("waits")), 1)
        page.keyboard.press("a")
        page.wait_for_function("document.getElementById('file').textContent === 'few.jpg'")
        page.wait_for_timeout(500)
        edits["10"] = edit_times(page)
        for kind in ("add", "resize"):
            found[f"{kind}_ms"] = {
                many: round(times[kind], 2) for many, times in sorted(edits.items(), key=lambda item: int(item[0]))
            }
    return found


def pan(page: Page) -> list[float]:
    """Frames while the middle button drags the image about."""
    mouse = page.mouse
    mouse.move(540, 400)
    mouse.down(button="middle")
    page.evaluate(RECORD_FRAMES)
    for step in range(90):
        mouse.move(540 + 2 * step % 120, 400 + step % 60)
        page.wait_for_timeout(8)
    mouse.up(button="middle")
    return page.evaluate(STOP_FRAMES)


def zoom(page: Page) -> list[float]:
    """Frames while a wheel zooms in and out again."""
    page.keyboard.press("0")
    page.mouse.move(540, 400)
    page.evaluate(RECORD_FRAMES)
    for step in range(80):
        page.mouse.wheel(0, -120 if step < 40 else 120)
        page.wait_for_timeout(8)
    return page.evaluate(STOP_FRAMES)


def drag(page: Page) -> list[float]:
    """Frames while one box among all of them is dragged."""
    page.keyboard.press("0")
    mouse = page.mouse
    mouse.move(540, 400)
    mouse.down()
    page.evaluate(RECORD_FRAMES)
    for step in range(90):
        mouse.move(540 + 2 * step, 400 + step)
        page.wait_for_timeout(8)
    mouse.up()
    page.keyboard.press("z")
    return page.evaluate(STOP_FRAMES)


def edit_times(page: Page) -> dict[str, float]:
    """Milliseconds of the page's thread for one box added, and for one resized by a key."""
    mouse = page.mouse
    mouse.move(5, 5)
    time_pointer = """() => { const stage = document.getElementById("canvas"), all = [];
        const area = stage.getBoundingClientRect();
        const fire = (kind, x, y) => stage.dispatchEvent(new PointerEvent(kind, {bubbles: true, shiftKey: true,
            pointerId: 1, pointerType: "mouse", clientX: area.x + x, clientY: area.y + y, button: 0}));
        stage.parentElement.setPointerCapture = () => {};
        for (let n = 0; n < 30; n += 1) { const x = 200 + 9 * n, y = 150 + 6 * n; fire("pointerdown", x, y);
            fire("pointermove", x + 40, y + 30); const start = performance.now(); fire("pointerup", x + 40, y + 30);
            all.push(performance.now() - start); } return all; }"""
    added = page.evaluate(time_pointer)
    page.keyboard.press("Tab")
    resized = page.evaluate(TIME_KEY, ["ArrowRight", "ArrowRight", True, 60])
    for _ in range(40):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(HUMAN_MS)
    for step in range(10):
        mouse.move(300 + 8 * step, 300)
        page.keyboard.down("Shift")
        mouse.down()
        mouse.move(330 + 8 * step, 330)
        mouse.up()
        page.keyboard.up("Shift")
        page.wait_for_timeout(HUMAN_MS)
    return {"add": statistics.median(added), "resize": statistics.median(resized)}


def large_image(browser: Any, folder: Path) -> dict[str, float]:
    """The longest block while an image of 100 megapixels opens and is zoomed and panned."""
    path = photo(folder / "large.jpg", 10_000, 10_000)
    with serving(folder, [{"path": str(path)}]) as address:
        context = browser.new_context(**CONTEXT)
        page = context.new_page()
        page.add_init_script("""window.blocks = []; new PerformanceObserver(list => blocks.push(...list.getEntries()
            .map(entry => entry.duration))).observe({type: "longtask", buffered: true});""")
        page.goto(address)
        page.wait_for_selector("#canvas[data-task]:not([data-task=''])", timeout=120_000)
        opened = page.evaluate("performance.now()")
        page.mouse.move(540, 400)
        for _ in range(20):
            page.mouse.wheel(0, -120)
            page.wait_for_timeout(60)
        page.wait_for_timeout(1500)
        for _ in range(20):
            page.mouse.wheel(30, 0)
            page.wait_for_timeout(30)
        page.wait_for_timeout(1000)
        blocks = page.evaluate("blocks")
        context.close()
    return {"large_image_block_ms": round(max(blocks, default=0.0), 1), "large_image_open_s": round(opened / 1000, 2)}


def heap(browser: Any, folder: Path, count: int) -> dict[str, float]:
    """How the heap grows over `count` images, each with a box drawn and accepted."""
    tasks = [{"path": str(photo(folder / f"{n:04}.jpg", 640, 480, n))} for n in range(count)]
    with serving(folder, tasks) as address, page_at(browser, address) as page:
        session = page.context.new_cdp_session(page)

        def used() -> float:
            session.send("HeapProfiler.collectGarbage")
            return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 2**20

        early = used()
        for number in range(count - 4):
            file = f"{number:04}.jpg"
            page.wait_for_function(
                "file => document.getElementById('file').textContent === file"
                " && document.getElementById('accept').ariaDisabled === 'false'", arg=file
            )  # fmt: skip
            if number % 10 == 0:
                page.mouse.move(300, 300)
                page.mouse.down()
                page.mouse.move(400, 380)
                page.mouse.up()
            page.keyboard.press("a")
            if number == 50:
                early = used()
        return {"heap_growth_mib": round(used() - early, 2)}


def first_paint(browser: Any, folder: Path) -> dict[str, float]:
    """Seconds until the first image can be worked on, the median of five openings by a browser that knows nothing."""
    path = photo(folder / "first.jpg", 1200, 900)
    seen = []
    with serving(folder, [{"path": str(path)}]) as address:
        for _ in range(5):
            context = browser.new_context(**CONTEXT)
            page = context.new_page()
            page.add_init_script("""const look = () => document.getElementById("canvas")?.dataset.task
                ? window.usable = performance.now() : requestAnimationFrame(look); requestAnimationFrame(look);""")
            page.goto(address)
            page.wait_for_function("window.usable")
            seen.append(page.evaluate("window.usable") / 1000)
            context.close()
    return {"first_paint_s": round(statistics.median(seen), 3)}


def code_size() -> dict[str, float]:
    """KiB of the program that the page starts with, compressed as it travels."""
    sources = {file.relative_to(pages.STATIC).as_posix(): file.read_text() for file in pages.STATIC.rglob("*.js")}
    return {"js_gzip_kib": round(len(gzip.compress(combine(sources, ENTRY)[START].encode(), 9)) / 1024, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--boxes", type=int, default=5000)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--only", nargs="+", metavar="MEASURE", help="first_paint, fluidity, large_image, heap")
    options = parser.parse_args()
    measures = {first_paint: (), fluidity: (options.boxes,), large_image: (), heap: (options.images,)}
    for name in options.only or ():
        if name not in {measure.__name__ for measure in measures}:
            parser.error(f"there is no measure {name}")
    chromium = os.environ.get("TEACHBOX_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        print("no Chromium: install Debian's `chromium`, or name one in TEACHBOX_CHROMIUM", file=sys.stderr)
        return 1
    found = code_size()
    with sync_playwright() as playwright:
        for measure, arguments in measures.items():
            if options.only and measure.__name__ not in options.only:
                continue
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            with tempfile.TemporaryDirectory() as folder:
                found |= measure(browser, Path(folder), *arguments)
            browser.close()
    for name, value in found.items():
        bound = BOUNDS.get(name)
        held = "" if bound is None else f"  at most {bound}: {'held' if value <= bound else 'NOT HELD'}"
        print(f"{name:24} {value}{held}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
