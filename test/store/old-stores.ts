import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { JOB_STATES } from '../../src/core/job.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrations } from '../../src/store/migrations/index.ts';
import { connect } from '../../src/store/open.ts';
import { outputKeyOf } from '../../src/store/requests.ts';

export type OldSchema = 1 | 2 | 3;

const NOW = () => new Date('2026-03-01T20:15:30Z');

/** A submitted job of two requests and a built job of one, as batchctl 0.1.0 left them. */
const FIRST_DATA = `
  INSERT INTO accounts VALUES (1, 'https://api.anthropic.com', '0123456789abcdef', 'org_1', 'wrkspc_1');
  INSERT INTO jobs VALUES
    (1, 'sent-20260301-201530', 'sent',
      '{"apiVersion":"2026-10-21","model":"claude-sonnet-5-5","stages":["main"],"private":false,"on":"api","file":"sent.job.yaml"}',
      2, '${'c'.repeat(64)}', 1, 'in_progress', '2026-03-01T20:15:30.000Z', '2026-03-01T20:15:31.000Z', NULL, NULL),
    (2, 'waits-20260301-201630', 'waits',
      '{"apiVersion":"2023-06-01","model":null,"stages":["main"],"private":true,"on":"emulator","file":null}',
      1, '${'d'.repeat(64)}', NULL, 'built', '2026-03-01T20:16:30.000Z', NULL, NULL, NULL);
  INSERT INTO stages VALUES (1, 1, 1, 'main'), (2, 2, 1, 'main');
  INSERT INTO records VALUES (1, 1, 'row-1', 0, 40), (1, 2, 'row-2', 41, 40), (2, 1, 'row-1', 0, 30);
  INSERT INTO shards (id, stage_id, number, nonce, requests, body_bytes, file_sha256, state) VALUES
    (1, 1, 1, 'k3f9q2aa', 2, 200, '${'e'.repeat(64)}', 'live'),
    (2, 2, 1, 'k3f9q2bb', 1, 100, '${'f'.repeat(64)}', 'built');
  INSERT INTO requests (stage_id, seq, shard_id, output_key, output_path) VALUES
    (1, 1, 1, ${outputKeyOf('out/main/row-1.md')}, NULL),
    (1, 2, 1, ${outputKeyOf('reports/2.md')}, 'reports/2.md'),
    (2, 1, 2, ${outputKeyOf('out/main/row-1.md')}, NULL);
  INSERT INTO submissions (id, shard_id, number, account_id, state, upload_started_at, sealed_at, fence_json) VALUES
    (1, 1, 1, 1, 'created', '2026-03-01T20:15:31.000Z', '2026-03-01T20:15:32.000Z',
      '{"batchIds":[],"serverMs":null,"workspaceId":"wrkspc_1","organizationId":"org_1"}');
  INSERT INTO batches (batch_id, account_id, submission_id, processing_status, processing, succeeded, errored, canceled,
    expired, created_at, expires_at, described_json, seen_at)
  VALUES ('msgbatch_1', 1, 1, 'in_progress', 2, 0, 0, 0, 0, '2026-03-01T20:15:33Z', '2026-03-02T20:15:33Z', '{}',
    '2026-03-01T20:15:33.000Z');
  INSERT INTO events (at, job_id, kind) VALUES ('2026-03-01T20:15:30.000Z', 1, 'built');
`;

/** The same as batchctl 0.2.0 left it: the submitted job is done, but for a request that went out again one by one. */
const SECOND_DATA = `
  UPDATE shards SET state = 'applied', raw_bytes = 100, raw_sha256 = '${'a'.repeat(64)}', tally_json =
    '{"requests":1,"succeeded":1,"errored":0,"canceled":0,"expired":0,"missing":0,"failures":{},"usage":{"input":7,"output":8,"cacheCreation":0,"cacheRead":0}}'
  WHERE id = 1;
  UPDATE batches SET processing_status = 'ended', processing = 0, succeeded = 1, expired = 1,
    ended_at = '2026-03-01T21:00:00Z';
  UPDATE requests SET status = 'succeeded', raw_offset = 0, raw_length = 50 WHERE stage_id = 1 AND seq = 1;
  INSERT INTO shards (id, stage_id, number, nonce, requests, body_bytes, file_sha256, state, origin, route) VALUES
    (3, 1, 2, 'k3f9q2cc', 1, 100, '${'a'.repeat(64)}', 'built', 'retry', 'real_time');
  INSERT INTO past_attempts (stage_id, seq, attempt, shard_id, status, failure, raw_offset, raw_length) VALUES
    (1, 2, 1, 1, 'expired', 'expired', 51, 50);
  UPDATE requests SET shard_id = 3, attempt = 2 WHERE stage_id = 1 AND seq = 2;
`;

/** The same as a batchctl of the third schema left it: what it may cost, and what its answers did. */
const THIRD_DATA = `
  UPDATE jobs SET max_microusd = 5000000 WHERE id = 1;
  UPDATE shards SET cost_microusd = 30, spent_json = '[]' WHERE id = 1;
`;

const SHARD_STATES = ['building', 'built', 'live', 'downloaded', 'applied', 'canceled', 'lost', 'split'];
const SUBMISSION_STATES = [
  'uploading',
  'aborted',
  'sealed',
  'created',
  'rejected',
  'in_doubt',
  'stuck',
  'absent',
];
const TALLY =
  '{"requests":1,"succeeded":1,"errored":0,"canceled":0,"expired":0,"missing":0,"failures":{},"usage":{"input":7,"output":8,"cacheCreation":0,"cacheRead":0}}';
const SPEC =
  '{"apiVersion":"2026-10-21","model":"claude-sonnet-5-5","stages":["main"],"private":false,"on":"api","file":"all.job.yaml"}';

/** A job in each state, a shard in each, and a submission in each, of the columns that every schema has. */
function everyState(): string {
  const hash = (letter: string) => `'${letter.repeat(64)}'`;
  const at = "'2026-03-01T20:15:30.000Z'";
  const lines: string[] = [];
  for (const [index, state] of JOB_STATES.entries()) {
    const id = 10 + index;
    const isFinal = ['done', 'canceled', 'failed'].includes(state);
    const isSent = !['building', 'built'].includes(state);
    lines.push(
      `INSERT INTO jobs (id, job_id, name, spec_json, records, content_sha256, account_id, state, created_at,
        submit_requested_at, final_at) VALUES (${id}, 'all-${state}', 'all', '${SPEC}', 1,
        ${state === 'building' ? 'NULL' : hash('b')}, ${isSent ? '1' : 'NULL'}, '${state}', ${at},
        ${isSent ? at : 'NULL'}, ${isFinal ? at : 'NULL'});`,
      `INSERT INTO stages (id, job_id, position, name) VALUES (${id}, ${id}, 1, 'main');`,
    );
  }
  for (const [index, state] of SHARD_STATES.entries()) {
    const id = 10 + index;
    const has = (...states: readonly string[]) => states.includes(state);
    lines.push(
      `INSERT INTO shards (id, stage_id, number, nonce, requests, body_bytes, file_sha256, state, raw_bytes, raw_sha256,
        tally_json) VALUES (${id}, 12, ${index + 1}, 'nonce${id}', 1, 99, ${hash('e')}, '${state}',
        ${has('downloaded', 'applied') ? `9, ${hash('a')}` : 'NULL, NULL'},
        ${has('applied', 'canceled', 'lost') ? `'${TALLY}'` : 'NULL'});`,
      `INSERT INTO records VALUES (12, ${index + 1}, 'row-${index + 1}', ${index * 40}, 40);`,
      `INSERT INTO requests (stage_id, seq, shard_id, output_key) VALUES (12, ${index + 1}, ${id}, ${index + 1});`,
    );
  }
  for (const [index, state] of SUBMISSION_STATES.entries()) {
    const has = (...states: readonly string[]) => states.includes(state);
    lines.push(
      `INSERT INTO submissions (id, shard_id, number, account_id, state, upload_started_at, sealed_at, reason,
        watch_until_at, fence_json) VALUES (${10 + index}, ${10 + index}, 1, 1, '${state}', ${at},
        ${has('uploading', 'aborted') ? 'NULL' : at}, 'why', ${has('rejected', 'absent') ? at : 'NULL'},
        ${has('uploading', 'aborted') ? 'NULL' : `'{"batchIds":["msgbatch_0"],"serverMs":null,"workspaceId":"w","organizationId":null}'`});`,
    );
  }
  return lines.join('\n');
}

/** A store of an old schema, with data in every state; closed. */
export function writeOldStore(folder: string, schema: OldSchema): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'state.db');
  const db = connect(path, { busyTimeoutMs: 0 });
  db.pragma('journal_mode = WAL');
  migrate(db, { programVersion: '0.1.0', now: NOW }, migrations.slice(0, 1));
  db.exec(FIRST_DATA);
  db.exec(everyState());
  if (schema >= 2) {
    migrate(db, { programVersion: '0.2.0', now: NOW }, migrations.slice(0, 2));
    db.exec(SECOND_DATA);
  }
  if (schema === 3) {
    migrate(db, { programVersion: '0.3.0', now: NOW }, migrations.slice(0, 3));
    db.exec(THIRD_DATA);
  }
  db.close();
  for (const version of [1, 2]) rmSync(`${path}.v${version}.bak`, { force: true });
  return path;
}
