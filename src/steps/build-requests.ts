import { createHash } from 'node:crypto';
import { StoreError } from '../core/errors.ts';
import type { Job, JobSpec } from '../core/job.ts';
import { defaultOutputPath } from '../core/output-place.ts';
import { distinctPath, foldPath } from '../core/paths.ts';
import type { Lock, WorkspaceLocks } from '../core/ports/locks.ts';
import type { NewRow } from '../core/ports/store.ts';
import type { RenderedRequest, RenderItem } from '../core/record.ts';
import type { ShardLimits } from '../core/shard.ts';
import { collectProblems, type Problems } from './collect-problems.ts';
import type { LocalDeps } from './deps.ts';
import { packShards } from './pack-shards.ts';

export interface BuildInput {
  readonly name: string;
  readonly spec: JobSpec;
  readonly items: AsyncIterable<readonly RenderItem[]>;
  readonly limits: ShardLimits;
  /** Carry an unfinished job of the same content on instead of making another. */
  readonly reuse: boolean;
}

type Row = NewRow & { readonly shardId: number };

interface Writing {
  readonly job: Job & { readonly stageId: number };
  readonly problems: Problems;
  records: number;
}

/**
 * Records in, shard files and rows out, in constant memory. One last commit makes it count; a build that is cut off is
 * cleared away by the next one.
 *
 * @throws InputError with all bad records, the first 20 of them shown; nothing is left behind then.
 */
export async function buildJob(
  input: BuildInput,
  deps: LocalDeps & { readonly locks: WorkspaceLocks },
  signal: AbortSignal,
): Promise<{ readonly job: Job; readonly carriedOn: boolean }> {
  await clearAbandoned(deps);
  const { job, lock } = await createLocked(input, deps);
  const writing: Writing = { job, problems: collectProblems(), records: 0 };
  try {
    const { contentSha256, shards } = await writeRequests(input, deps, writing, signal);
    writing.problems.throwIfAny(`job "${input.name}" was not built`);
    const facts = { records: writing.records, contentSha256, reuse: input.reuse };
    const twin = await deps.store.finishBuild(job.id, facts);
    if (twin !== null) {
      await drop(job, deps);
      deps.report({ kind: 'carried_on', jobId: twin.jobId });
      return { job: twin, carriedOn: true };
    }
    const done = await deps.store.finishedTwin(job.id);
    if (done !== null) {
      const text = `job ${done.jobId} of the same content is done; this is a new job, and sending it is paid again`;
      deps.report({ kind: 'problem', text });
    }
    deps.report({ kind: 'built', jobId: job.jobId, requests: writing.records, shards });
    return { job: await deps.store.jobById(job.id), carriedOn: false };
  } catch (error) {
    // What cannot be removed now is removed by the next build.
    await drop(job, deps).catch(() => undefined);
    throw error;
  } finally {
    lock.release();
  }
}

async function writeRequests(
  input: BuildInput,
  deps: LocalDeps,
  writing: Writing,
  signal: AbortSignal,
): Promise<{ readonly contentSha256: string; readonly shards: number }> {
  const { job, problems } = writing;
  const stage = stageOf(job);
  const options = { private: input.spec.private };
  const records = deps.files.create(`${deps.files.requestsDir(job.jobId)}/records.jsonl`, options);
  const packer = packShards({
    store: deps.store,
    files: deps.files,
    randomBytes: (length) => deps.clock.randomBytes(length),
    jobId: job.jobId,
    stageId: job.stageId,
    stage,
    private: input.spec.private,
    limits: input.limits,
  });
  const content = createHash('sha256').update(JSON.stringify([input.name, input.spec.apiVersion]));
  try {
    for await (const items of input.items) {
      signal.throwIfAborted();
      const rows: Row[] = [];
      for (const item of items) {
        if (item.kind === 'problem') {
          problems.add(item.at, item.problem);
          continue;
        }
        writing.records += 1;
        content.update(`\n${item.customId}\n`).update(item.paramsJson);
        const recordOffset = records.bytes;
        records.write(`${item.recordJson}\n`);
        const shardId = await packer.add(item);
        rows.push(
          toRow(
            item,
            shardId,
            { recordOffset, recordLength: records.bytes - recordOffset - 1 },
            job.jobId,
            stage,
          ),
        );
      }
      await addRows(deps, writing, rows, items);
      await packer.recordFull();
      deps.report({ kind: 'building', requests: writing.records });
    }
    if (writing.records === 0) problems.throwIfAny(`job "${input.name}" was not built`);
    records.finish();
    return { contentSha256: content.digest('hex'), shards: await packer.close() };
  } catch (error) {
    records.discard();
    packer.discard();
    throw error;
  }
}

function toRow(
  item: RenderedRequest,
  shardId: number,
  record: { readonly recordOffset: number; readonly recordLength: number },
  jobId: string,
  stage: string,
): Row {
  const path = item.outputPath ?? defaultOutputPath(`batch_results/${jobId}`, stage, item.customId);
  return {
    seq: item.seq,
    customId: item.customId,
    ...record,
    outputPath: item.outputPath,
    outputFold: foldPath(path),
    shardId,
  };
}

/** An id used twice is a problem of the data; a path used twice is made distinct, again if need be. */
async function addRows(
  deps: LocalDeps,
  writing: Writing,
  rows: readonly Row[],
  items: readonly RenderItem[],
): Promise<void> {
  const { job, problems } = writing;
  for (let trying = rows; trying.length > 0; ) {
    const again: Row[] = [];
    for (const clash of await deps.store.addRows(job.stageId, trying)) {
      const row = trying.find((one) => one.seq === clash.seq);
      const item = items.find((one) => one.kind === 'request' && one.seq === clash.seq);
      if (row === undefined || item === undefined) continue;
      if (clash.on === 'custom_id') {
        problems.add(item.at, `custom_id "${row.customId}" is used before, by record ${clash.earlierSeq}`);
        continue;
      }
      const path =
        row.outputPath ?? defaultOutputPath(`batch_results/${job.jobId}`, stageOf(job), row.customId);
      const outputPath = distinctPath(path, row.seq);
      again.push({ ...row, outputPath, outputFold: foldPath(outputPath) });
    }
    trying = again;
  }
}

function stageOf(job: Pick<Job, 'spec'>): string {
  return job.spec.stages[0] ?? 'main';
}

/** A build of another process may take a job that is not locked yet for abandoned; then another is made. */
async function createLocked(
  input: BuildInput,
  deps: LocalDeps & { readonly locks: WorkspaceLocks },
): Promise<{ readonly job: Job & { readonly stageId: number }; readonly lock: Lock }> {
  for (;;) {
    const job = await deps.store.createJob({ name: input.name, spec: input.spec, at: deps.clock.now() });
    const lock = tryLock(deps.locks, job);
    if (lock === null) continue;
    if (await isBuilding(job, deps)) return { job, lock };
    lock.release();
  }
}

/** Removes what builds that were cut off have left: jobs in state `building` that nobody holds. */
async function clearAbandoned(deps: LocalDeps & { readonly locks: WorkspaceLocks }): Promise<void> {
  for (const job of await deps.store.buildingJobs()) {
    const lock = tryLock(deps.locks, job);
    if (lock === null) continue;
    if (await isBuilding(job, deps)) await drop(job, deps);
    lock.release();
  }
}

async function isBuilding(job: Job, deps: LocalDeps): Promise<boolean> {
  return (await deps.store.buildingJobs()).some((one) => one.id === job.id);
}

function tryLock(locks: WorkspaceLocks, job: Job): Lock | null {
  try {
    return locks.lockJob(job.jobId);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'job_locked') return null;
    throw error;
  }
}

/** Files first: a job that is still in the store is found and dropped again. */
async function drop(job: Job, deps: LocalDeps): Promise<void> {
  deps.files.removeJob(job.jobId);
  await deps.store.dropJob(job.id);
}
