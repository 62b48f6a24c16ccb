import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DecisionError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { type JobFiles, rawPath, shardPath } from '../core/ports/files.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { isLeftover } from '../core/prune-rules.ts';
import { readPruned } from '../core/pruned.ts';
import { isSettledShard } from '../core/shard.ts';
import { olderStore } from '../core/store-remedies.ts';
import { entriesOf } from '../files/job-folders.ts';
import { STATE_DIR } from '../files/workspace.ts';
import { findOlderCopy, type OlderCopy } from '../steps/check-standing.ts';
import { readReceiptsByJob } from '../steps/read-journal.ts';
import { SENT_LOG } from '../steps/sent-log.ts';
import type { Context } from './context.ts';
import type { JobViews } from './examine-jobs.ts';
import { bad, badFile, type Finding, firstFew, note, ok } from './finding.ts';
import { formatCount, formatMany } from './output.ts';

/** Compares the database with the files beside it, byte for byte. */
export async function examineFiles(
  context: Context,
  store: JobStore,
  jobs: readonly JobViews[],
): Promise<readonly Finding[]> {
  const files = await context.wire.files();
  const older = await findOlderCopy({ store, files });
  return [
    ...examineSeals(older),
    ...(await examineReceipts(files, store, jobs, older)),
    ...(await examineContents(files, store, jobs)),
    ...examineLeftovers(context.wire.root, jobs),
    ...examineModes(context.wire.root),
  ];
}

/** The same question as before anything is sent, for all jobs at once. */
function examineSeals(found: OlderCopy | null): readonly Finding[] {
  if (found === null || found.seals.length === 0) return [];
  const shown = firstFew(found.seals.map((line) => `shard ${line.shard} of ${line.job_id}`));
  const message = `${STATE_DIR}/state.db is an older copy`;
  const why = `${SENT_LOG} tells of what was sent after it: ${shown}`;
  const facts = { code: 'store_older', why, next: olderStore(found.jobId) };
  return [bad('seals', new DecisionError(message, facts))];
}

async function examineReceipts(
  files: JobFiles,
  store: JobStore,
  jobs: readonly JobViews[],
  older: OlderCopy | null,
): Promise<readonly Finding[]> {
  const receipts = [...(await readReceiptsByJob(files)).values()].flat();
  const findings: Finding[] = [];
  const known = await store.knownBatchIds(receipts.map(({ batch_id }) => batch_id));
  const unknown = receipts.filter(({ batch_id }) => !known.has(batch_id));
  if (unknown.length > 0) {
    const ids = firstFew(unknown.map(({ batch_id, job_id }) => `${batch_id} of ${job_id}`));
    const message = `the receipts name ${formatMany(unknown.length, 'batch', 'batches')} that the database does not know: ${ids}`;
    const why = 'it is an older copy, or was damaged';
    const next = olderStore(older?.jobId ?? null);
    findings.push(
      bad('receipts', new DecisionError(message, { code: 'store_older_than_receipts', why, next })),
    );
  }
  const named = new Set(receipts.map(({ batch_id }) => batch_id));
  const without = jobs.flatMap(({ views }) =>
    views.flatMap(({ batch }) => (batch === null || named.has(batch.id) ? [] : [batch.id])),
  );
  if (without.length > 0)
    findings.push(note('receipts', `none for ${firstFew(without)}; the journals name them`));
  return findings.length > 0 ? findings : [ok('receipts', formatMany(receipts.length, 'batch', 'batches'))];
}

async function examineContents(
  files: JobFiles,
  store: JobStore,
  jobs: readonly JobViews[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let [requests, pruned, results] = [0, 0, 0];
  for (const { job, views } of jobs) {
    const { requests: gone, answersAt } = readPruned(await store.events(job.id));
    for (const view of views) {
      // The requests of a batch that was made elsewhere are not here.
      if (job.spec.adopted !== true) {
        const isPruned = answersAt !== null || gone.has(view.shard.nonce);
        if (isPruned) pruned += 1;
        else requests += 1;
        if (!isPruned) findings.push(...(await examineRequests(files, job, view)));
      }
      const raw = await store.rawFacts(view.shard.id);
      if (raw === null || answersAt !== null) continue;
      results += 1;
      findings.push(...(await examineRaw(files, job, view, raw.sha256)));
    }
  }
  const hasBad = (name: string): boolean => findings.some(({ check }) => check === name);
  if (!hasBad('request files'))
    findings.push(
      ok(
        'request files',
        `${formatMany(requests, 'file')} as built${pruned === 0 ? '' : `, ${formatCount(pruned)} pruned`}`,
      ),
    );
  if (!hasBad('raw results')) findings.push(ok('raw results', `${formatMany(results, 'file')} as received`));
  return findings;
}

/** Of a shard that is settled its file is only read for `show` and retries. */
async function examineRequests(files: JobFiles, job: Job, { shard }: ShardView): Promise<readonly Finding[]> {
  const path = shardPath(files.requestsDir(job.jobId), shard.stage, shard.number);
  const wrong = await whatIsWrong(files, path, shard.fileSha256);
  if (wrong === null) return [];
  if (isSettledShard(shard.state))
    return [note('request files', `${path} ${wrong}; its requests have their verdicts`)];
  const next = `put it back as it was, or batchctl cancel ${job.jobId}`;
  return [badFile('request files', `${path} ${wrong}`, { code: 'shard_file_damaged', next })];
}

async function examineRaw(
  files: JobFiles,
  job: Job,
  { shard, batch }: ShardView,
  sha256: string,
): Promise<readonly Finding[]> {
  const path = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
  const wrong = await whatIsWrong(files, path, sha256);
  if (wrong === null) return [];
  const next =
    batch === null
      ? 'put it back as it was: it cannot be had again'
      : `batchctl retrieve ${job.jobId} downloads it again`;
  return [badFile('raw results', `${path} ${wrong}`, { code: 'raw_damaged', next })];
}

async function whatIsWrong(files: JobFiles, path: string, sha256: string): Promise<string | null> {
  if (!files.exists(path)) return 'is gone';
  return (await files.sha256(path)) === sha256 ? null : 'is not the file that was recorded';
}

/** What killed runs have left. The next one that needs the place overwrites it. */
function examineLeftovers(root: string, jobs: readonly JobViews[]): readonly Finding[] {
  const folders = [
    STATE_DIR,
    ...jobs.flatMap(({ job }) => [`batch_requests/${job.jobId}`, `batch_results/${job.jobId}`]),
  ];
  const found = folders.flatMap((folder) =>
    entriesOf(join(root, folder)).flatMap(({ name }) =>
      isLeftover(name) || name.startsWith('state.db.rebuilding') ? [`${folder}/${name}`] : [],
    ),
  );
  const kept = entriesOf(join(root, STATE_DIR)).flatMap(({ name }) =>
    name.startsWith('state.db.damaged-') ? [`${STATE_DIR}/${name}`] : [],
  );
  return [
    ...(found.length === 0
      ? []
      : [
          note(
            'leftovers',
            `of runs that were cut off: ${firstFew(found)}`,
            'the next run that needs the place removes them, and so does batchctl prune',
          ),
        ]),
    ...(kept.length === 0
      ? []
      : [
          note(
            'leftovers',
            `databases that were replaced: ${firstFew(kept)}`,
            'remove them once you are sure',
          ),
        ]),
  ];
}

/** Only the owner may read what names prompts, batches and accounts. */
function examineModes(root: string): readonly Finding[] {
  if (process.platform === 'win32') return [];
  const folder = join(root, STATE_DIR);
  const names = ['state.db', 'state.db-wal', 'state.db-shm', 'receipts.jsonl'];
  const wrong = [folder, ...names.map((name) => join(folder, name))].filter(
    (path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0,
  );
  if (wrong.length === 0) return [ok('modes', `${STATE_DIR} is yours alone`)];
  return [
    note(
      'modes',
      `others may read ${firstFew(wrong)}`,
      'the next command that writes takes those rights away',
    ),
  ];
}
