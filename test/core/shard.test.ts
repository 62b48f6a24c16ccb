import { describe, expect, it } from 'vitest';
import { bodyBytesOf, closesBefore, type ShardLimits } from '../../src/core/shard.ts';

/** Packs lines of these sizes as the build does; the counts of the shards. */
function pack(lineBytes: Iterable<number>, limits: ShardLimits): { counts: number[]; bytes: number[] } {
  const counts: number[] = [];
  const bytes: number[] = [];
  const closed = new Set<number>();
  let open = { requests: 0, fileBytes: 0 };
  const close = (): void => {
    counts.push(open.requests);
    bytes.push(bodyBytesOf(open.fileBytes));
    closed.add(open.requests);
    open = { requests: 0, fileBytes: 0 };
  };
  for (const size of lineBytes) {
    if (closesBefore(open, size, closed, limits)) close();
    open = { requests: open.requests + 1, fileBytes: open.fileBytes + size };
  }
  close();
  return { counts, bytes };
}

function* lines(count: number, size: (index: number) => number): Generator<number> {
  for (let index = 0; index < count; index += 1) yield size(index);
}

describe('packing requests into shards', () => {
  it('counts the body as head, lines joined by commas, and tail', () => {
    const file = '{"a":1}\n{"b":2}\n';
    const body = `{"requests":[${file.trimEnd().replaceAll('\n', ',')}]}`;
    expect(bodyBytesOf(Buffer.byteLength(file))).toBe(Buffer.byteLength(body));
  });

  it.each([
    [99_999, [99_999]],
    [100_000, [100_000]],
    [100_001, [100_000, 1]],
    [299_998, [100_000, 99_999, 99_998, 1]],
  ])('cuts %i requests at 100,000 into shards of different counts', (count, expected) => {
    expect(
      pack(
        lines(count, () => 100),
        { maxRequests: 100_000, maxBytes: 250_000_000 },
      ).counts,
    ).toEqual(expected);
  });

  it('takes a body of exactly the limit and not a byte more', () => {
    const limits = { maxRequests: 100, maxBytes: bodyBytesOf(300) };
    expect(pack([100, 100, 100], limits).counts).toEqual([3]);
    expect(pack([100, 100, 101], limits).counts).toEqual([2, 1]);
  });

  it('sends a request that alone is over the limit alone, rather than never', () => {
    expect(pack([10, 5_000, 10], { maxRequests: 100, maxBytes: 1_000 }).counts).toEqual([1, 1, 1]);
  });

  it('keeps counts apart where the bytes make the cut', () => {
    const limits = { maxRequests: 100_000, maxBytes: 100_000 };
    const { counts, bytes } = pack(
      lines(3_000, () => 400),
      limits,
    );
    expect(Math.max(...bytes)).toBeLessThanOrEqual(limits.maxBytes);
    const full = counts.slice(0, 6);
    expect(new Set(full).size).toBe(full.length);
  });

  it('never goes more than a tenth below the limit of requests', () => {
    const { counts } = pack(
      lines(2_000, () => 10),
      { maxRequests: 40, maxBytes: 1_000_000 },
    );
    expect(Math.min(...counts.slice(0, -1))).toBeGreaterThanOrEqual(36);
    expect(Math.max(...counts)).toBe(40);
  });
});
