/** What differs between two lists. Pure. */

/**
 * Where two lists differ: from `at` on, `gone` items of the one stand for `come` items of the other.
 * @template T
 * @param {readonly T[]} before
 * @param {readonly T[]} after
 */
export function difference(before, after) {
  const shorter = Math.min(before.length, after.length);
  let at = 0;
  while (at < shorter && before[at] === after[at]) at += 1;
  let same = 0;
  while (same < shorter - at && before.at(-1 - same) === after.at(-1 - same)) same += 1;
  return { at, gone: before.length - at - same, come: after.length - at - same };
}
