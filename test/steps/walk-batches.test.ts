import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/core/batch.ts';
import { ProviderError } from '../../src/core/errors.ts';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import type { Run } from '../../src/steps/run.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { type Walk, walkBatches } from '../../src/steps/walk-batches.ts';
import { batchOf } from '../store/contract/fixture.ts';
import { makeWorkbench } from '../support/workbench.ts';

const NOW_MS = Date.parse('2026-03-01T20:15:00Z');
const STAMP = { serverMs: NOW_MS, workspaceId: 'wrkspc_1', organizationId: 'org_1', requestId: 'req_1' };
const TEN_MINUTES_AGO = NOW_MS - 600_000;

/** So many minutes old. */
const aged = (minutes: number): Batch => ({
  ...batchOf(`b${minutes}`, 12),
  createdAt: new Date(NOW_MS - minutes * 60_000).toISOString(),
});

interface Server {
  /** In the order of the list, one a page. */
  listed: Batch[];
  /** A batch that is deleted when a cursor first names it. */
  readonly deleted?: readonly string[];
  readonly onLostCursor?: 400 | 404 | 'empty';
  readonly hasMore?: boolean;
}

/** What a walk makes of a server, and which pages it asked for. */
async function walk(server: Server, reachMs: number | null): Promise<{ walk: Walk; asked: string[] }> {
  const { deps } = await makeWorkbench();
  const asked: string[] = [];
  const provider: BatchProvider = {
    ...deps.provider,
    async listBatches({ afterId }) {
      asked.push(afterId ?? '');
      if (server.deleted?.includes(afterId ?? ''))
        server.listed = server.listed.filter(({ id }) => id !== afterId);
      const at = server.listed.findIndex(({ id }) => id === afterId);
      const isLost = afterId !== null && at === -1;
      if (isLost && server.onLostCursor !== 'empty') throw refused(server.onLostCursor ?? 400);
      const batches = isLost ? [] : server.listed.slice(at + 1, at + 2);
      const hasMore = server.hasMore ?? at + 2 < server.listed.length;
      return { batches, hasMore, unreadable: 0, lastId: batches.at(-1)?.id ?? null, stamp: STAMP };
    },
    async retrieveBatch(id) {
      const batch = server.listed.find((one) => one.id === id);
      if (batch === undefined) throw refused(404);
      return { batch, stamp: STAMP };
    },
  };
  const job = { id: 1 } as Run['job']; // a walk looks at none of it
  const run: Run = {
    job,
    deps: { ...deps, provider },
    heads: new Map(),
    time: createServerTime(deps.clock),
    settleMs: 1_000,
  };
  const reach = reachMs === null ? null : () => reachMs;
  return { walk: await walkBatches(run, reach, new AbortController().signal), asked };
}

function refused(status: number): ProviderError {
  return new ProviderError('the list of batches', {
    code: 'refused',
    next: 'again',
    status,
    retryable: false,
  });
}

describe('a walk through the list of batches', () => {
  it('ends at the first batch that is old enough, where the newest come first', async () => {
    const { walk: found } = await walk({ listed: [0, 5, 11, 12].map(aged) }, TEN_MINUTES_AGO);
    expect([...found.batchIds]).toEqual(['b0', 'b5', 'b11']);
    expect(found).toMatchObject({ whole: true, endReached: false });
  });

  it('goes to the end where they come in another order: the batch of a lost answer may be the last', async () => {
    const { walk: found } = await walk({ listed: [5, 40, 30, 1].map(aged) }, TEN_MINUTES_AGO);
    // The order shows with the third.
    expect([...found.batchIds]).toEqual(['b5', 'b40']);
    const { walk: mixed } = await walk({ listed: [5, 7, 6, 40, 30, 1].map(aged) }, TEN_MINUTES_AGO);
    expect([...mixed.batchIds]).toContain('b1');
    expect(mixed).toMatchObject({ whole: true, endReached: true });
  });

  it('looks at one page when that is what was asked for', async () => {
    expect((await walk({ listed: [0, 1].map(aged) }, null)).asked).toEqual(['']);
  });

  it.each([400, 404, 'empty'] as const)(
    'begins anew when the batch of its cursor was deleted meanwhile and the answer to it is %s',
    async (onLostCursor) => {
      const listed = [0, 1, 2, 3].map(aged);
      const { walk: found, asked } = await walk({ listed, deleted: ['b1'], onLostCursor }, TEN_MINUTES_AGO);
      expect(asked).toEqual(['', 'b0', 'b1', '', 'b0', 'b2']);
      // What was seen stays seen.
      expect([...found.batchIds].sort()).toEqual(['b0', 'b1', 'b2', 'b3']);
      expect(found).toMatchObject({ whole: true, endReached: true });
    },
  );

  it('takes an empty page for the end when the batch of its cursor is still there', async () => {
    const { walk: found } = await walk({ listed: [0, 1].map(aged), hasMore: true }, TEN_MINUTES_AGO);
    expect(found).toMatchObject({ whole: true, endReached: true });
  });

  it('is no evidence when cursors are lost again and again', async () => {
    const listed = [0, 1, 2, 3, 4, 5].map(aged);
    const deleted = ['b0', 'b1', 'b2', 'b3'];
    const { walk: found } = await walk({ listed, deleted, onLostCursor: 'empty' }, TEN_MINUTES_AGO);
    expect(found.whole).toBe(false);
    await expect(walk({ listed: [...listed], deleted, onLostCursor: 400 }, TEN_MINUTES_AGO)).rejects.toThrow(
      'the list of batches',
    );
  });
});
