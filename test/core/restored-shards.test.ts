import { describe, expect, test } from 'vitest';
import type { JournalJob, JournalShard } from '../../src/core/journal.ts';
import type { SealFacts } from '../../src/core/restored-seals.ts';
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

const seal = (nonce: string, number: number, more: Partial<SealFacts> = {}): SealFacts => ({
  nonce,
  number,
  base_url: 'https://api.test',
  key_fingerprint: 'f',
  upload_started_at: `2026-11-28T10:0${number}:00.000Z`,
  sealed_at: `2026-11-28T10:0${number}:30.000Z`,
  fence: {
    batch_ids: [`msgbatch_before_${number}`],
    server_at: `2026-11-28T10:0${number}:29.000Z`,
    workspace_id: 'w',
    organization_id: null,
  },
  ...more,
});

const restore = (
  shards: readonly JournalShard[],
  unreadable = 0,
  receipts: ReturnType<typeof receipt>[] = [],
  seals: readonly SealFacts[] = [],
) => restoreShards(JOB, { shards, unreadable }, { receipts, seals }, AT).shards;

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
    expect(
      restoreShards(unsent, { shards: [shard('aaaaaaaa')], unreadable: 1 }, { receipts: [], seals: [] }, AT)
        .shards,
    ).toEqual([shard('aaaaaaaa')]);
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

describe('the log of seals says which attempts there were', () => {
  test('a receipt goes to the attempt that the log tells of last, and those before it stay under watch', () => {
    const seals = [seal('aaaaaaaa', 2), seal('aaaaaaaa', 5)];
    const [found] = restore([shard('aaaaaaaa')], 0, [receipt('aaaaaaaa')], seals);
    expect(found?.state).toBe('live');
    expect(found?.submissions).toMatchObject([
      { number: 2, state: 'absent', watch_until_at: '2026-11-29T10:02:30.000Z', batch: null },
      { number: 5, state: 'created', sealed_at: seals[1]?.sealed_at, batch: { batch_id: 'msgbatch_1' } },
    ]);
  });

  test('a shard that the log knows as sent is in doubt, from that upload on and with that fence, though no line is torn', () => {
    const [found] = restore([shard('aaaaaaaa')], 0, [], [seal('aaaaaaaa', 3)]);
    expect(found).toMatchObject({
      state: 'live',
      submissions: [
        {
          number: 3,
          state: 'sealed',
          upload_started_at: '2026-11-28T10:03:00.000Z',
          fence: { batchIds: ['msgbatch_before_3'], workspaceId: 'w' },
        },
      ],
    });
  });

  test('an attempt that two copies have sealed under one number is looked for from the first to the last', () => {
    const again = seal('aaaaaaaa', 1, { sealed_at: '2026-11-28T11:00:00.000Z' });
    const [found] = restore([shard('aaaaaaaa')], 0, [], [seal('aaaaaaaa', 1), again]);
    expect(found?.submissions).toMatchObject([
      {
        number: 1,
        upload_started_at: '2026-11-28T10:01:00.000Z',
        sealed_at: again.sealed_at,
        fence: { batchIds: ['msgbatch_before_1'] },
      },
    ]);
  });

  test('a shard that was sent, found too large and split keeps that attempt, and stays split', () => {
    const shards = [shard('aaaaaaaa'), shard('bbbbbbbb', { split_from: 'aaaaaaaa' })];
    const [parent] = restore(shards, 1, [], [seal('aaaaaaaa', 1)]);
    expect(parent).toMatchObject({ state: 'split', submissions: [{ number: 1, state: 'absent' }] });
  });

  test('beside a batch that the journal has, a seal that it has not is watched and takes nothing from it', () => {
    const [own] = restore([shard('aaaaaaaa')], 0, [receipt('aaaaaaaa')]);
    const told = own ?? shard('aaaaaaaa');
    const [found] = restore([told], 0, [], [seal('aaaaaaaa', 2)]);
    expect(found).toMatchObject({ state: 'live', submissions: [{ state: 'created' }, { state: 'absent' }] });
    const [applied] = restore([{ ...told, state: 'applied' }], 0, [], [seal('aaaaaaaa', 2)]);
    expect(applied?.state).toBe('applied');
  });

  test('where no file tells of the seal, the number is said to be a guess', () => {
    const told = { shards: [shard('aaaaaaaa')], unreadable: 0 };
    const receipts = [receipt('aaaaaaaa')];
    const { remarks } = restoreShards(JOB, told, { receipts, seals: [] }, AT);
    expect(remarks).toEqual([expect.stringContaining('it counts as its attempt 1')]);
    const known = restoreShards(JOB, told, { receipts, seals: [seal('aaaaaaaa', 1)] }, AT);
    expect(known.remarks).toEqual(['shard 1 has batch msgbatch_1, by its receipt']);
  });

  test('a shard that was sent and that the journal never had is named with its batch', () => {
    const receipts = [receipt('bbbbbbbb')];
    const { shards, remarks } = restoreShards(
      JOB,
      { shards: [shard('aaaaaaaa')], unreadable: 0 },
      { receipts, seals: [] },
      AT,
    );
    expect(shards).toEqual([shard('aaaaaaaa')]);
    expect(remarks).toEqual([expect.stringMatching(/bbbbbbbb.*msgbatch_1/)]);
  });
});
