"""Which ground-truth box each anchor answers for."""

from __future__ import annotations

from typing import Any

from keras import ops

UNMATCHED = -1
IGNORED = -2


class ArgMaxMatcher:
    """Each anchor takes the box it is most alike, if alike enough; each box may be given its best anchor by force.

    Thresholds of None: every anchor is matched. Between `unmatched_threshold` and `matched_threshold` an anchor is
    ignored if `negatives_lower_than_unmatched`, else it is the lower ones that are ignored.
    """

    def __init__(
        self,
        matched_threshold: float | None,
        unmatched_threshold: float | None = None,
        *,
        negatives_lower_than_unmatched: bool = True,
        force_match_for_each_row: bool = False,
    ) -> None:
        self.matched_threshold = matched_threshold
        self.unmatched_threshold = matched_threshold if unmatched_threshold is None else unmatched_threshold
        self.negatives_lower_than_unmatched = negatives_lower_than_unmatched
        self.force_match_for_each_row = force_match_for_each_row

    def __call__(self, similarity: Any, valid_rows: Any) -> Any:
        """Matched row of each column: int32 [B, A], `UNMATCHED` or `IGNORED` where there is none.

        `similarity` is [B, G, A]. Only rows whose `valid_rows` (bool [B, G]) is true may force their best column.
        """
        best_row = ops.cast(ops.argmax(similarity, axis=1), "int32")
        matches = best_row
        if self.matched_threshold is not None:
            best = ops.max(similarity, axis=1)
            below = best < self.unmatched_threshold
            between = ops.logical_and(best >= self.unmatched_threshold, best < self.matched_threshold)
            low, middle = (UNMATCHED, IGNORED) if self.negatives_lower_than_unmatched else (IGNORED, UNMATCHED)
            matches = ops.where(below, low, ops.where(between, middle, matches))
        if self.force_match_for_each_row:
            columns = ops.shape(similarity)[2]
            best_column = ops.one_hot(ops.argmax(similarity, axis=2), columns, dtype="float32")
            forced = best_column * ops.cast(ops.expand_dims(valid_rows, -1), "float32")
            forced_row = ops.cast(ops.argmax(forced, axis=1), "int32")
            matches = ops.where(ops.max(forced, axis=1) > 0, forced_row, matches)
        return matches


class BipartiteMatcher:
    """Each box takes one anchor, the most alike pair of all first; all other anchors stay without."""

    def __call__(self, similarity: Any, valid_rows: Any) -> Any:
        """Matched row of each column: int32 [B, A], `UNMATCHED` where there is none.

        `similarity` is [B, G, A]. Only rows whose `valid_rows` (bool [B, G]) is true take a column, while there is one.
        """
        rows, columns = ops.shape(similarity)[1], ops.shape(similarity)[2]
        row_numbers, column_numbers = ops.arange(rows), ops.arange(columns)
        left = ops.where(ops.expand_dims(valid_rows, -1), similarity, -float("inf"))
        matches = ops.full_like(left[:, 0], UNMATCHED, dtype="int32")

        def take(_: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
            left, matches = state
            flat = ops.reshape(left, (-1, rows * columns))
            pair = ops.argmax(flat, axis=1, keepdims=True)
            some = ops.max(flat, axis=1, keepdims=True) > -float("inf")
            row, column = pair // columns, pair % columns
            own_row = row_numbers == ops.cast(row, row_numbers.dtype)
            own_column = column_numbers == ops.cast(column, column_numbers.dtype)
            matches = ops.where(ops.logical_and(own_column, some), ops.cast(row, "int32"), matches)
            used = ops.logical_or(ops.expand_dims(own_row, -1), ops.expand_dims(own_column, 1))
            return ops.where(used, -float("inf"), left), matches

        return ops.fori_loop(0, rows, take, (left, matches))[1]
