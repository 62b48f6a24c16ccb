/**
 * Shares `total` out among parts by their sizes, by the largest remainders, and gives none more than it has. Of equal
 * remainders the earlier part comes first, so that the same job has the same pilot.
 */
export function shareOut(total: number, sizes: readonly number[]): readonly number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (total >= all) return sizes;
  const exact = sizes.map((size) => (size * total) / all);
  const shares = exact.map(Math.floor);
  const left = total - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact
    .map((share, index) => ({ index, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}

/** The same, and the part at `must` gets at least one: from the part that has most. */
export function shareOutWith(must: number, total: number, sizes: readonly number[]): readonly number[] {
  const shares = [...shareOut(total, sizes)];
  if (shares[must] !== 0 || total === 0) return shares;
  const most = shares.indexOf(Math.max(...shares));
  shares[most] = (shares[most] ?? 0) - 1;
  shares[must] = 1;
  return shares;
}

/**
 * Which of some requests are the sample: `count` of them, evenly spread over their sizes, and of equal sizes over their
 * order. With `withLongest` the longest is one of them.
 */
export function pickSpread(
  sizes: ArrayLike<number>,
  count: number,
  { withLongest }: { readonly withLongest: boolean },
): ReadonlySet<number> {
  const bySize = Uint32Array.from(sizes, (_size, index) => index);
  bySize.sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0) || a - b);
  const most = Math.min(count, bySize.length);
  const picked = new Set<number>();
  for (let place = 0; place < most; place += 1) {
    // The middle of each of `most` equal stretches.
    const at =
      withLongest && place === most - 1
        ? bySize.length - 1
        : Math.floor(((place + 0.5) * bySize.length) / most);
    picked.add(bySize[at] ?? 0);
  }
  return picked;
}
