"""Plays an annotator over HTTP against the real processes, and measures how well and how quickly the loop learns.

    python benchmarks/loop.py IMAGES --annotations train.csv --test test.csv --checkpoint model.ckpt --json loop.json

A round ends when the version trained on it is served; quality is then measured on the test images through the model
server. While a round trains, the next task is fetched, answers are saved and images are predicted all the time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from teachbox.boxes import to_pixels
from teachbox.config.label_map import dump_label_map
from teachbox.config.starter import write_starter
from teachbox.data.sources import read_image
from teachbox.data.tf_example_encoder import encode_example
from teachbox.evaluation.coco import coco_metrics
from teachbox.evaluation.results import ImageResult
from teachbox.images import UprightImage
from teachbox.labels import Label
from teachbox.recipes.play import KnownBoxes, answer_task, read_boxes
from teachbox.recipes.teach import STEPS
from teachbox.serving.client import Client
from teachbox.store import Store

DATASET = "benchmark"
NO_BOXES = np.zeros((0, 4), np.float32)
START_TIMEOUT_S, ROUND_TIMEOUT_S = 180.0, 1800.0
PROBE_EVERY_S = 0.25


def main() -> None:
    args = arguments()
    train, test = read_boxes(args.annotations), read_boxes(args.test)
    with tempfile.TemporaryDirectory(prefix="teachbox-bench-") as folder:
        result = Benchmark(args, Path(folder), train, test).run()
    text = json.dumps(result, indent=2)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of images")
    parser.add_argument("--annotations", type=Path, required=True, help="CSV with the boxes of the images to label")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the boxes of the images to measure on")
    parser.add_argument("--config", type=Path, help="pipeline.config (default: the one that `teach` writes)")
    parser.add_argument("--checkpoint", type=Path, help="where the default config starts from")
    parser.add_argument("--images", type=int, default=40, help="answers to give")
    parser.add_argument("--every", type=int, default=10, help="answers a round")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of a round; -1: one pass over all answers")
    parser.add_argument("--seed", type=int, default=0, help="of training")
    parser.add_argument("--json", type=Path, help="write the result here too")
    args = parser.parse_args()
    if args.config is None and args.checkpoint is None:
        parser.error("give --config, or --checkpoint for the default one to start from")
    return args


@dataclass
class Latencies:
    """Milliseconds, at rest and while a round trained."""

    save: list[float] = field(default_factory=list)
    next: list[float] = field(default_factory=list)
    predict: list[float] = field(default_factory=list)
    predict_training: list[float] = field(default_factory=list)


@dataclass(eq=False)
class Prober(threading.Thread):
    """Uses the app while a round trains: fetches the next task, saves an answer, predicts an image."""

    base_url: str
    client: Client
    example: bytes
    latencies: Latencies
    spare: list[dict[str, Any]]
    served: dict[int, float] = field(default_factory=dict)
    """Version → time of the first prediction that it answered."""

    def __post_init__(self) -> None:
        super().__init__(name="prober", daemon=True)
        self._done = threading.Event()
        self.training = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self.base_url, timeout=60.0, trust_env=False) as http:
            while not self._done.wait(PROBE_EVERY_S if self.training.is_set() else 0.02):
                elapsed, version = timed(lambda: self.client.predict(self.example).version)
                if version is not None:
                    self.served.setdefault(version, time.time())
                if not self.training.is_set():
                    continue
                self.latencies.predict_training.append(elapsed)
                body: dict[str, Any] = {"session_id": "prober", "n": 1}
                self.latencies.next.append(timed(lambda: post(http, "/get_session_questions", body))[0])  # noqa: B023
                if self.spare:
                    answer = {**self.spare.pop(), "answer": "ignore"}
                    body = {"session_id": "spare", "answers": [answer]}
                    self.latencies.save.append(timed(lambda: post(http, "/give_answers", body))[0])  # noqa: B023

    def end(self) -> None:
        self._done.set()
        self.join()


def timed(action: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    value = action()
    return (time.perf_counter() - started) * 1000, value


def post(http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = http.post(path, json=body)
    response.raise_for_status()
    return dict(response.json())


def percentile(values: list[float], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 2) if values else None


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Benchmark:
    def __init__(self, args: argparse.Namespace, folder: Path, train: KnownBoxes, test: KnownBoxes) -> None:
        self.args = args
        self.folder = folder
        self.train = train
        self.labels = sorted({label for boxes in [*train.values(), *test.values()] for label, _ in boxes})
        self.test_images = [(name, read_image(str(args.source / name))) for name in sorted(test)]
        self.test = test
        self.port, self.web_port = free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{self.web_port}"
        self.database = folder / "teachbox.db"
        self.latencies = Latencies()
        self.peak: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        images = self.folder / "images"
        images.mkdir()
        for name in sorted(self.train):
            (images / name).symlink_to((self.args.source / name).resolve())
        with self.started(images) as page_ready:
            return self.measure(page_ready)

    # ---- the processes

    def command(self, images: Path) -> list[str]:
        project = self.folder / "project"
        if self.args.config is not None:
            project.mkdir()
            config = Path(shutil.copy(self.args.config, project / "pipeline.config"))
            label_map = project / "label_map.pbtxt"
            label_map.write_text(dump_label_map([Label(index, name) for index, name in enumerate(self.labels, 1)]))
        else:
            config, label_map = write_starter(project, self.labels, self.args.checkpoint.resolve())
        return [
            *(sys.executable, "-m", "teachbox", "image.trainmodel", DATASET, str(images), str(config)),
            *("127.0.0.1", str(self.port), "benchmark", "--label-map-path", str(label_map)),
            *("--web-port", str(self.web_port), "--no-browser", "--db", str(self.database)),
            *("--model-dir", str(self.folder / "model"), "--export-dir", str(self.folder / "export")),
            *("--data-dir", str(self.folder / "data"), "--seed", str(self.args.seed)),
            *("--batch-answers", str(self.args.every), "--idle-seconds", "100000"),
            *("--steps-per-epoch", str(self.args.steps)),
        ]

    @contextmanager
    def started(self, images: Path) -> Iterator[float]:
        command = self.command(images)
        output = (self.folder / "output.log").open("w")
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ)
        watcher = threading.Thread(target=self.watch_memory, args=(process.pid,), daemon=True)
        watcher.start()
        try:
            yield self.wait_for_page(process, begun)
        except BaseException:
            sys.stderr.write((self.folder / "output.log").read_text()[-4000:])
            raise
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)

    def wait_for_page(self, process: subprocess.Popen[bytes], begun: float) -> float:
        """Seconds from the command until page, scripts, project, a task and its image are there."""
        while time.monotonic() - begun < START_TIMEOUT_S and process.poll() is None:
            try:
                with httpx.Client(base_url=self.base_url, timeout=5.0, trust_env=False) as http:
                    page = http.get("/").raise_for_status().text
                    for path in [*re.findall(r'(?:src|href)="(/static/[^"]+)"', page), "/project"]:
                        http.get(path).raise_for_status()
                    tasks = post(http, "/get_session_questions", {"session_id": "person", "n": 1})["tasks"]
                    if tasks:
                        http.get(tasks[0]["image"]).raise_for_status()
                        return time.monotonic() - begun
            except httpx.TransportError:
                time.sleep(0.01)
        raise SystemExit("the page did not come up")

    def watch_memory(self, pid: int) -> None:
        try:
            parent = psutil.Process(pid)
            while True:
                for process in [parent, *parent.children(recursive=True)]:
                    command = " ".join(process.cmdline())
                    kinds = {"teachbox.serving": "model server", "teachbox serve": "model server", " train ": "trainer"}
                    name = next((kind for part, kind in kinds.items() if part in command), "web")
                    rss = process.memory_info().rss / 2**20
                    self.peak[name] = max(self.peak.get(name, 0.0), round(rss, 1))
                time.sleep(0.2)
        except psutil.Error:
            return

    # ---- what is measured

    def measure(self, page_ready: float) -> dict[str, Any]:
        result: dict[str, Any] = {"ap50_after": {}, "map_after": {}}
        overheads: list[float] = []
        round_steps: list[float] = []
        client = Client("127.0.0.1", self.port, "benchmark")
        wait_until(lambda: client.served_version() is not None, START_TIMEOUT_S, "the first version")
        first = self.test_images[0][1]
        self.latencies.predict = [timed(lambda: client.predict(encode(first)))[0] for _ in range(30)][5:]
        http = httpx.Client(base_url=self.base_url, timeout=60.0, trust_env=False)
        with http, Store.open(self.database) as db:
            tasks = self.fetch(http, "person", self.args.images)
            spare = self.fetch(http, "spare", min(100, len(self.train) - len(tasks) - 1))
            prober = Prober(self.base_url, client, encode(first), self.latencies, spare)
            prober.start()
            result["ap50_after"]["0"], result["map_after"]["0"] = self.quality(client)
            for start in range(0, len(tasks), self.args.every):
                waits = partial(self.waits, db)
                wait_until(waits, START_TIMEOUT_S, "a trainer that waits")
                before = client.served_version() or 0
                for task in tasks[start : start + self.args.every]:
                    body = {"session_id": "person", "answers": [answer_task(task, self.train)]}
                    self.latencies.save.append(timed(lambda: post(http, "/give_answers", body))[0])  # noqa: B023
                prober.training.set()
                wait_until(partial(self.trained, db, before), ROUND_TIMEOUT_S, "the end of the round")
                prober.training.clear()
                trained = self.trained(db, before)
                assert trained is not None
                version, ended, seconds = trained
                wait_until(lambda: version in prober.served, 60.0, f"version {version}")  # noqa: B023
                overheads.append(prober.served[version] - ended)
                round_steps.append(seconds)
                count = str(min(start + self.args.every, len(tasks)))
                result["ap50_after"][count], result["map_after"][count] = self.quality(client)
                print(f"{count} answers: AP@.50 {result['ap50_after'][count]}", file=sys.stderr, flush=True)
            prober.end()
        client.close()
        saves = self.latencies.save
        return result | {
            "round_overhead_s": round(statistics.median(overheads), 3),
            "round_steps_s": round(statistics.median(round_steps), 2),
            "save_p50_ms": percentile(saves, 50),
            "save_p95_ms": percentile(saves, 95),
            "next_p50_ms": percentile(self.latencies.next, 50),
            "next_p95_ms": percentile(self.latencies.next, 95),
            "predict_p50_ms": percentile(self.latencies.predict, 50),
            "predict_training_p50_ms": percentile(self.latencies.predict_training, 50),
            "page_ready_s": round(page_ready, 3),
            "rss_mib": dict(sorted(self.peak.items())),
            "seed": self.args.seed,
            "images": len(tasks),
            "counts": {"saves": len(saves), "nexts": len(self.latencies.next)},
        }

    def fetch(self, http: httpx.Client, session: str, count: int) -> list[dict[str, Any]]:
        """`count` tasks, all leased to `session`."""
        tasks: list[dict[str, Any]] = []
        while len(tasks) < count:
            held = [task["_task_hash"] for task in tasks]
            body = {"session_id": session, "n": min(count - len(tasks), 100), "exclude": held}
            more = post(http, "/get_session_questions", body)["tasks"]
            if not more:
                break
            tasks += more
        return tasks

    def waits(self, db: Store) -> bool:
        return db.trainer_status(DATASET).get("state") == "waiting"

    def trained(self, db: Store, before: int) -> tuple[int, float, float] | None:
        """Newest round since version `before`: version, end of the last step (Unix time), seconds of the steps."""
        events = [event for event in db.events_after(0) if event.kind == "trained" and event.data["version"] > before]
        if not events:
            return None
        data = events[-1].data
        return data["version"], data["ended"], data["seconds"]

    def quality(self, client: Client) -> tuple[float, float]:
        """AP@.50 and mAP on the test images, through the model server."""
        results = []
        for name, image in self.test_images:
            found = client.predict(encode(image))
            truth = [(ymin, xmin, ymax, xmax) for _, (xmin, ymin, xmax, ymax) in self.test[name]]
            results.append(
                ImageResult(
                    true_boxes=np.array(truth, np.float64).reshape(-1, 4),
                    true_classes=np.array([self.labels.index(label) + 1 for label, _ in self.test[name]], np.int32),
                    boxes=to_pixels(found.boxes, image.height, image.width),
                    scores=found.scores,
                    classes=found.classes,
                )
            )
        metrics = coco_metrics(results, dict(enumerate(self.labels, 1)))
        return (
            round(metrics["DetectionBoxes_Precision/mAP@.50IOU"], 4),
            round(metrics["DetectionBoxes_Precision/mAP"], 4),
        )


def encode(image: UprightImage) -> bytes:
    return encode_example(image, NO_BOXES, [], [], "image", "0")


def wait_until(condition: Any, timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come within {timeout:g} s")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
