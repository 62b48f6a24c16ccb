import { expect, test } from 'vitest';
import type { ShardView } from '../../src/core/ports/store-views.ts';
import type { Shard } from '../../src/core/shard.ts';
import { unsentDocument } from '../../src/core/unsent.ts';

const ASKED = { submitRequestedAt: '2026-03-01T20:15:30Z', cancelRequestedAt: null };

function views(...shards: readonly Pick<Shard, 'id' | 'state' | 'route'>[]): readonly ShardView[] {
  const nothing = { submission: null, batch: null, candidates: [], tally: null, cost: null };
  // Of a shard this reads only what is here.
  return shards.map((shard) => ({ shard: { ...shard, requests: shard.id * 10 } as Shard, ...nothing }));
}

const SOME = views(
  { id: 1, state: 'applied', route: 'batch' },
  { id: 2, state: 'live', route: 'batch' },
  { id: 3, state: 'built', route: 'batch' },
  { id: 4, state: 'built', route: 'batch' },
  { id: 5, state: 'built', route: 'real_time' },
  { id: 6, state: 'built', route: 'none' },
  { id: 7, state: 'building', route: 'batch' },
  { id: 8, state: 'canceled', route: 'batch' },
);

test('shards that are built and go as batches are unsent, of all that do', () => {
  const counts = { shards: 2, of: 4, requests: 70 };
  expect(unsentDocument(ASKED, SOME, null)).toEqual({ ...counts, waits_for: null, max_in_flight: null });
  const waits = { ...counts, waits_for: 'queue_room' };
  expect(unsentDocument(ASKED, SOME, { shardId: 3, limit: null })).toEqual({ ...waits, max_in_flight: null });
  expect(unsentDocument(ASKED, SOME, { shardId: 3, limit: 9 })).toEqual({ ...waits, max_in_flight: 9 });
});

test('a wait for room is over when its shard was sent, taken back or cut anew', () => {
  for (const shardId of [2, 8, 99])
    expect(unsentDocument(ASKED, SOME, { shardId, limit: 9 })).toMatchObject({
      waits_for: null,
      max_in_flight: null,
    });
});

test('nothing is unsent of a job that nobody asked to send, that was canceled, or that is all sent', () => {
  expect(unsentDocument({ ...ASKED, submitRequestedAt: null }, SOME, null)).toBeNull();
  expect(unsentDocument({ ...ASKED, cancelRequestedAt: '2026-03-01T21:00:00Z' }, SOME, null)).toBeNull();
  expect(unsentDocument(ASKED, SOME.slice(0, 2), null)).toBeNull();
});
