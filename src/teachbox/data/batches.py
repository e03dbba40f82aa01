"""Batches for training and evaluation, from examples that a Python sampler hands out.

One tf.data pipeline lives as long as its owner: its functions are traced once, and `reset` gives it another
source. Decoding, augmentation and resizing run in TensorFlow's threads while the detector computes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from teachbox.data.augment import Augmentation
from teachbox.data.batch_pipeline import Batch, Element, batch_pipeline
from teachbox.data.cache import ByteCache
from teachbox.data.decoding import decode_image
from teachbox.data.examples import Example
from teachbox.data.mix import Mix, Pool
from teachbox.data.resizers import Resizer
from teachbox.errors import DataError

log = logging.getLogger(__name__)

Source = Iterable[Example] | Callable[[], Example]
"""Examples, or a function that gives the next one (and ends by raising `StopIteration`)."""

CACHE_BYTES = 512 * 2**20
_MANY_BROKEN = 1000  # so many unreadable images in a row, and there is nothing to go on with


def training_batches(
    source: Source,
    resizer: Resizer,
    augment: Augmentation | None,
    batch_size: int,
    max_boxes: int = 100,
    seed: int = 0,
    *,
    mix: Mix | None = None,
    cache: ByteCache | None = None,
    side_step: int = 1,
    num_scores: int = 0,
    merge_classes: int = 0,
) -> Batches:
    """Augmented batches, all of `batch_size`: of a source that ends, what does not fill a batch is left over.

    Images are mixed with others that came before them, and what comes of it is augmented. The same source and seed
    give the same batches. An unreadable image is logged and skipped. Sides that depend on the images are padded to a
    multiple of `side_step`, so that batches have few shapes. With `num_scores`, the number of classes, they have
    `class_scores`, those of the examples; with `merge_classes`, the number of classes, boxes that come to lie at the
    same place are one, and its `class_scores` say of which classes they were.
    """
    return Batches(
        source,
        resizer,
        augment,
        batch_size,
        max_boxes,
        seed,
        evaluating=False,
        mix=mix,
        cache=cache,
        side_step=side_step,
        num_scores=num_scores,
        merge_classes=merge_classes,
    )


def evaluation_batches(
    source: Source,
    resizer: Resizer,
    batch_size: int,
    max_boxes: int = 100,
    *,
    cache: ByteCache | None = None,
    side_step: int = 1,
) -> Batches:
    """One pass over the examples, as they are; the last batch is filled up with rows that are not `valid`.

    `side_step` as in training.
    """
    return Batches(
        source, resizer, None, batch_size, max_boxes, seed=0, evaluating=True, cache=cache, side_step=side_step
    )


class _Drawing:
    """One source being drawn from: by one thread at a time, until it ends, fails or is dropped."""

    def __init__(self, source: Source, lock: threading.Lock) -> None:
        self._examples = _called(source) if callable(source) else iter(source)
        self._lock = lock
        self.dropped = False
        self.failure: BaseException | None = None

    def draw(self, prepare: Callable[[Iterator[Example]], Element]) -> Element | None:
        """What `prepare` makes of the next examples; None where there is nothing more to come."""
        with self._lock:
            if self.dropped:
                return None
            try:
                return prepare(self._examples)
            except StopIteration:
                return None
            except BaseException as error:  # noqa: BLE001 - TensorFlow would make it a string; `next` raises it
                self.failure = error
                return None


def _called(give_next: Callable[[], Example]) -> Iterator[Example]:
    while True:
        try:
            example = give_next()
        except StopIteration:
            return
        yield example


class Batches(Iterator[Batch]):
    """An iterator over batches that can be given another source.

    The source is asked from a TensorFlow thread, never by two at once, and ahead of time: by about two
    batches. What it raises is raised by `next`. A source may wait for examples; it has to end before `reset`
    or `close` is called, since a thread inside it cannot be stopped. Pass one `cache` to several to share it.
    """

    def __init__(
        self,
        source: Source,
        resizer: Resizer,
        augment: Augmentation | None,
        batch_size: int,
        max_boxes: int,
        seed: int,
        *,
        evaluating: bool,
        mix: Mix | None = None,
        cache: ByteCache | None = None,
        side_step: int = 1,
        num_scores: int = 0,
        merge_classes: int = 0,
    ) -> None:
        self._batch_size = batch_size
        self._max_boxes = max_boxes
        self._evaluating = evaluating
        self._num_scores = num_scores
        self._cache = ByteCache(CACHE_BYTES) if cache is None else cache
        self._pool = Pool(mix, seed) if mix else None
        self._drawn = 0
        self._readable: set[str] = set()
        self._warned: set[str] = set()
        self._iterator: Iterator[Batch] | None = None
        self._source = source
        self._lock = threading.Lock()
        self._drawing = _Drawing(source, self._lock)
        with tf.device("/CPU:0"):
            self._dataset = batch_pipeline(
                self._elements,
                resizer,
                augment,
                batch_size=batch_size,
                max_boxes=max_boxes,
                seed=seed,
                side_step=side_step,
                num_scores=num_scores,
                merge_classes=merge_classes,
                mixing=self._pool is not None,
                evaluating=evaluating,
            )

    def reset(self, source: Source | None = None) -> None:
        """Forget what was prepared ahead and go on with `source`.

        None: the same source again; an iterator goes on after what was drawn from it, a list begins anew.
        """
        self._drawing.dropped = True
        self._iterator = None  # ends the old pipeline
        self._warned.clear()
        if self._pool is not None:
            self._pool.clear()
        if source is not None:
            self._source = source
            self._lock = threading.Lock()
        self._drawing = _Drawing(self._source, self._lock)

    def close(self) -> None:
        """Stop the pipeline's threads; the source is not asked any more."""
        self.reset(())

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        if self._iterator is None:
            with tf.device("/CPU:0"):
                self._iterator = iter(self._dataset)
        try:
            return self._without_notes(next(self._iterator))
        except StopIteration:
            if self._drawing.failure is not None:
                raise self._drawing.failure from None
            raise
        except tf.errors.InvalidArgumentError as error:
            raise DataError(f"an image could not be turned into a batch ({error.message})") from error

    def _without_notes(self, batch: Batch) -> Batch:
        """The batch without what is only noted in it: how many boxes of which image found no room."""
        left_out = batch.pop("left_out").numpy()
        keys = (batch["key"] if self._evaluating else batch.pop("key")).numpy()
        for key, count in zip(keys[left_out > 0], left_out[left_out > 0], strict=True):
            self._warn_once(
                f"{key} augmented",
                "%s has %d boxes after augmentation; the first %d are used (max_number_of_boxes of the input reader)",
                key.decode(),
                self._max_boxes + count,
                self._max_boxes,
            )
        return batch

    # ---- Python's side: one element per example, asked for by a TensorFlow thread

    def _elements(self) -> Iterator[Element]:
        """Elements of the pipeline. Ends when the source does, fails, or was replaced."""
        drawing = self._drawing
        in_batch, last = 0, None
        while (element := drawing.draw(self._next_element)) is not None:
            in_batch, last = (in_batch + 1) % self._batch_size, element
            yield {**element, "valid": True}
        while self._evaluating and last is not None and in_batch:
            yield {**last, "valid": False}
            in_batch = (in_batch + 1) % self._batch_size

    def _next_element(self, examples: Iterator[Example]) -> Element:
        """Python's part of the next readable example. Raises `StopIteration` at the end of them."""
        for _ in range(_MANY_BROKEN):
            example = next(examples)
            self._drawn += 1
            try:
                encoded = self._read(example)
            except DataError as error:
                self._warn_once(example.key, "skipped: %s", error)
                continue
            count = len(example.boxes)
            if count > self._max_boxes:
                self._warn_once(
                    example.key,
                    "%s has %d boxes; the first %d are used (max_number_of_boxes of the input reader)",
                    example.key,
                    count,
                    self._max_boxes,
                )
                count = self._max_boxes
            weights = np.ones(count, np.float32) if example.weights is None else example.weights[:count]
            crowd = np.zeros(count, bool) if example.is_crowd is None else example.is_crowd[:count]
            boxes = np.asarray(example.boxes, np.float32).reshape(-1, 4)[:count]
            return {
                **self._partners(example),
                **({"scores": example.scores_of(self._num_scores)[:count]} if self._num_scores else {}),
                "key": example.key,
                "encoded": encoded,
                "boxes": boxes,
                "classes": example.classes[:count],
                "weights": weights,
                "is_crowd": crowd,
                "number": self._drawn,
            }
        raise DataError(f"{_MANY_BROKEN} images in a row could not be read; the log names them")

    def _partners(self, example: Example) -> dict[str, Any]:
        """What the example is mixed with, where that is done at all."""
        if self._pool is None:
            return {}
        return self._pool.partners(example, self._drawn, self._read, self._max_boxes, self._num_scores)

    def _read(self, example: Example) -> bytes:
        """The image's bytes, known to be readable by TensorFlow. Raises `DataError`."""
        encoded = example.encoded
        encoded = encoded if isinstance(encoded, bytes) else self._cache.get(example.key, encoded)
        if example.key not in self._readable:
            try:
                with tf.device("/CPU:0"):
                    decode_image(tf.constant(encoded))
            except tf.errors.InvalidArgumentError as error:
                raise DataError(f"the image cannot be decoded ({error.message})", where=example.key) from error
            self._readable.add(example.key)
        return encoded

    def _warn_once(self, key: str, message: str, *values: object) -> None:
        """Log a warning, for each image once a round."""
        if key not in self._warned:
            self._warned.add(key)
            log.warning(message, *values)
