import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect, openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';

/** One statement in so many, of some four hundred: 1 tries them all and takes minutes. */
const EVERY = 7;

/** What must be true of a store at any moment, whoever was killed when. Each query finds what is wrong. */
const WRONG = {
  'a built job without all its rows': `
    SELECT jobs.job_id
    FROM jobs
    WHERE jobs.state <> 'building' AND jobs.records <> (
      SELECT count(*)
      FROM requests
      JOIN stages ON stages.id = requests.stage_id
      JOIN records ON records.job_id = stages.job_id AND records.seq = requests.seq
      WHERE stages.job_id = jobs.id
    )`,
  'a live shard without a sealed submission': `
    SELECT shards.id
    FROM shards
    WHERE shards.state = 'live' AND NOT EXISTS (
      SELECT 1
      FROM submissions
      WHERE submissions.shard_id = shards.id AND submissions.state IN ('sealed','created','in_doubt','stuck')
    )`,
  'a shard that could be sent again though it was sealed': `
    SELECT shards.id
    FROM shards
    JOIN submissions ON submissions.shard_id = shards.id
    WHERE shards.state = 'built' AND submissions.state IN ('sealed','created','in_doubt','stuck')`,
  'a created submission without its batch, or a batch of one that is not': `
    SELECT submissions.id
    FROM submissions
    LEFT JOIN batches ON batches.submission_id = submissions.id
    WHERE (submissions.state = 'created') <> (batches.batch_id IS NOT NULL)`,
  'an applied shard with a row that has no verdict': `
    SELECT requests.seq
    FROM requests
    JOIN shards ON shards.id = requests.shard_id
    WHERE shards.state = 'applied' AND requests.status IS NULL`,
  'a built shard with other rows than its file has': `
    SELECT shards.id
    FROM shards
    WHERE shards.state = 'built' AND shards.requests <> (
      SELECT count(*)
      FROM requests
      WHERE requests.shard_id = shards.id
    )`,
  'a row in a shard that was split': `
    SELECT requests.seq
    FROM requests
    JOIN shards ON shards.id = requests.shard_id
    WHERE shards.state = 'split'`,
  'a seal without its event': `
    SELECT submissions.id
    FROM submissions
    WHERE submissions.sealed_at IS NOT NULL AND NOT EXISTS (
      SELECT 1
      FROM events
      WHERE events.submission_id = submissions.id AND events.kind = 'sealed'
    )`,
};

function findDamage(path: string): readonly string[] {
  const db = connect(path, { busyTimeoutMs: 0 });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(db.pragma('foreign_key_check')).toEqual([]);
    return Object.entries(WRONG).flatMap(([what, sql]) =>
      db.prepare(sql).get() === undefined ? [] : [what],
    );
  } finally {
    db.close();
  }
}

/** Works on a store that a killed program left, as the next run would. */
async function carryOn(path: string): Promise<void> {
  const store = await openStore(path, { programVersion: '0.1.0', now: () => new Date() });
  for (const job of await store.buildingJobs()) await store.dropJob(job.id);
  for (const job of await store.listJobs({ pendingOnly: true, limit: null })) {
    await store.settleAfterCrash(job.id);
    for (const doubt of await store.doubts(job.id)) {
      await store.judgeAbsent(doubt.id, { watchUntilMs: 0, by: 'user' });
    }
    await store.requestCancel(job.id, new Date());
  }
  store.close();
}

/** What the store must hold once the child has said so. */
const HELD: Readonly<Record<string, string>> = {
  built: "SELECT 1 FROM jobs WHERE name = 'life' AND state <> 'building'",
  sealed: 'SELECT 1 FROM submissions WHERE number = 1 AND sealed_at IS NOT NULL',
  created: "SELECT 1 FROM batches WHERE batch_id = 'msgbatch_1' AND submission_id IS NOT NULL",
  carved: "SELECT 1 FROM shards WHERE first = 'pilot' AND state <> 'building'",
  survived: "SELECT 1 FROM jobs WHERE name = 'life' AND state = 'done'",
};

test('a program killed between any two of its statements leaves a consistent store that has all it said', async () => {
  const folder = makeTempDir();
  /** True when the child came to its end. */
  async function killAt(nth: number): Promise<boolean> {
    const path = join(folder, String(nth), 'state.db');
    const said = await startChild('live-and-die', path, String(nth)).rest();
    expect(findDamage(path), `killed before statement ${nth}`).toEqual([]);
    const db = connect(path, { busyTimeoutMs: 0 });
    for (const word of said) expect(db.prepare(HELD[word] ?? '').get(), `${word}, ${nth}`).toBeDefined();
    db.close();
    await carryOn(path);
    expect(findDamage(path), `carried on after statement ${nth}`).toEqual([]);
    return said.includes('survived');
  }
  // Two children at a time.
  for (let nth = 1; ; nth += 2 * EVERY) {
    const ended = await Promise.all([killAt(nth), killAt(nth + EVERY)]);
    if (ended.includes(true)) break;
  }
}, 120_000);
