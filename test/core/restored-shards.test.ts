import { describe, expect, test } from 'vitest';
import type { JournalJob, JournalShard } from '../../src/core/journal.ts';
import { restoreShards, supersede } from '../../src/core/restored-shards.ts';

const AT = '2026-11-28T12:00:00.000Z';

const JOB: JournalJob = {
  kind: 'job',
  job_id: 'words-1',
  name: 'words',
  spec: {},
  records: 6,
  content_sha256: '0'.repeat(64),
  created_at: '2026-11-28T10:00:00.000Z',
  account: { base_url: 'https://api.test', key_fingerprint: 'f', organization_id: null, workspace_id: 'w' },
  mode: 'batch',
  submit_requested_at: '2026-11-28T10:01:00.000Z',
  cancel_requested_at: null,
  final: null,
  open_stages: ['main'],
  max_microusd: null,
  pilot: null,
  estimate: null,
};

function shard(nonce: string, more: Partial<JournalShard> = {}): JournalShard {
  return {
    kind: 'shard',
    stage: 'main',
    number: 1,
    nonce,
    group: null,
    origin: 'build',
    route: 'batch',
    first: null,
    requests: 3,
    body_bytes: 100,
    file_sha256: '1'.repeat(64),
    sizes: null,
    state: 'built',
    split_from: null,
    raw: null,
    submissions: [],
    ...more,
  };
}

const receipt = (nonce: string) => ({
  batch_id: 'msgbatch_1',
  created_at: '2026-11-28T10:02:00Z',
  nonce,
  base_url: 'https://api.test',
});

const restore = (
  shards: readonly JournalShard[],
  unreadable = 0,
  receipts: ReturnType<typeof receipt>[] = [],
) => restoreShards(JOB, { shards, unreadable }, receipts, AT).shards;

describe('what may have been paid never comes back as a shard that can be sent', () => {
  test('a shard that the journal calls unsent, all of it readable, is unsent', () => {
    expect(restore([shard('aaaaaaaa')])).toEqual([shard('aaaaaaaa')]);
  });

  test('a receipt makes its batch of it', () => {
    const [found] = restore([shard('aaaaaaaa')], 0, [receipt('aaaaaaaa')]);
    expect(found).toMatchObject({
      state: 'live',
      submissions: [{ state: 'created', batch: { batch_id: 'msgbatch_1' } }],
    });
  });

  test('where a line cannot be read it is in doubt since the job was to be sent, with nothing fenced off', () => {
    const [found] = restore([shard('aaaaaaaa')], 1);
    expect(found).toMatchObject({
      state: 'live',
      submissions: [
        {
          state: 'sealed',
          upload_started_at: JOB.submit_requested_at,
          sealed_at: AT,
          fence: { batchIds: [], workspaceId: 'w' },
        },
      ],
    });
  });

  test('of a job that nobody asked to send nothing can have been sent, whatever cannot be read', () => {
    const unsent = { ...JOB, submit_requested_at: null, account: null };
    expect(restoreShards(unsent, { shards: [shard('aaaaaaaa')], unreadable: 1 }, [], AT).shards).toEqual([
      shard('aaaaaaaa'),
    ]);
  });

  test('a shard whose parts are there was split, although its own line does not say so', () => {
    const [parent] = restore([shard('aaaaaaaa'), shard('bbbbbbbb', { split_from: 'aaaaaaaa' })]);
    expect(parent?.state).toBe('split');
  });

  test('a shard of which rows stand in a later one is not to be sent any more', () => {
    expect(supersede(shard('aaaaaaaa')).state).toBe('split');
    expect(supersede(shard('aaaaaaaa', { state: 'live' })).state).toBe('live');
  });
});
