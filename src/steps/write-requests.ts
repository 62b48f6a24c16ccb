import { DecisionError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { frozenPath, type NewFile, outputsPath } from '../core/ports/files.ts';
import type { NewRow } from '../core/ports/store-views.ts';
import type { Location, RenderedRequest } from '../core/record.ts';
import { RECORD_END, recordHead } from '../core/record-line.ts';
import type { BuildInput } from './build-requests.ts';
import type { Problems } from './collect-problems.ts';
import { contentBytes } from './content-bytes.ts';
import type { LocalDeps } from './deps.ts';
import type { PackedRequest } from './pack-shards.ts';
import { outputPathOf, toRow } from './place-rows.ts';
import { openStagePacker, type StagePacker } from './stage-packer.ts';
import { waitingRows } from './waiting-rows.ts';

const RECORD_LINE_END = `${RECORD_END}\n`;

/** A build under way. */
export interface Writing {
  readonly job: Job;
  readonly problems: Problems;
  /** Records without a request that the job goes without. */
  readonly leftOut: Problems;
  records: number;
}

/** Writes the records and the shards of a job that is building, and its rows into the store, in constant memory. */
export async function writeRequests(
  input: BuildInput,
  deps: LocalDeps,
  writing: Writing,
  signal: AbortSignal,
): Promise<{ readonly contentSha256: string; readonly shards: number; readonly reused: number }> {
  const { job, problems } = writing;
  const options = { private: input.spec.private };
  const records = deps.files.create(`${deps.files.requestsDir(job.jobId)}/records.jsonl`, options);
  const packers = await openPackers(input, job, deps, signal);
  const content = contentBytes(contentHead(input));
  const places = openPlaces(input, job, deps);
  const waiting = waitingRows(deps.store, job, problems);
  let shards = 0;
  const recordFull = async (): Promise<void> => {
    const full = packers.flatMap((packer) => [...(packer?.takeFull() ?? [])]);
    // The rows of a shard are there before it counts as built.
    if (waiting.isFull || full.length > 0) await waiting.write();
    for (const { id, ...facts } of full) await deps.store.closeShard(id, facts);
    shards += full.length;
  };
  try {
    for await (const items of input.items) {
      signal.throwIfAborted();
      const rows: (NewRow & { readonly at: Location })[][] = job.stages.map(() => []);
      const requests: PackedRequest[][] = job.stages.map(() => []);
      for (const item of items) {
        if (item.kind === 'problem') {
          (input.skipBad ? writing.leftOut : problems).add(item.at, item.problem);
          continue;
        }
        writing.records += 1;
        const recordOffset = records.bytes;
        writeRecord(records, item);
        const place = { recordOffset, recordLength: records.bytes - recordOffset - 1 };
        places?.write(`${JSON.stringify(item.stages.map(({ outputPath }) => outputPath))}\n`);
        for (const [index, stage] of job.stages.entries()) {
          const { paramsJson = null, attached } = item.stages[index] ?? {};
          const { seq, customId } = item;
          const outputPath = outputPathOf(
            job,
            stage.name,
            input.frozen,
            customId,
            item.stages[index]?.outputPath ?? null,
          );
          rows[index]?.push({
            ...toRow(job, stage.name, { seq, customId, outputPath, ...place }),
            at: item.at,
          });
          if (paramsJson === null) continue;
          const paramsBytes = content.add(customId, paramsJson, item.record.longest);
          requests[index]?.push({ seq, customId, group: item.group, paramsJson, paramsBytes, attached });
        }
      }
      for (const [index, packer] of packers.entries()) {
        const places = (await packer?.add(requests[index] ?? [])) ?? [];
        // A stage has a request of every record or of none.
        for (const [at, row] of rows[index]?.entries() ?? [])
          waiting.add(index, { ...row, shardId: places[at]?.shardId ?? null });
      }
      content.flush();
      await recordFull();
      deps.report({ kind: 'building', requests: writing.records });
    }
    if (writing.records === 0) {
      problems.throwIfAny(`job "${input.name}" was not built`);
      writing.leftOut.throwIfAny(`job "${input.name}" was not built`);
    }
    await waiting.write();
    records.finish();
    places?.finish();
    freeze(input, job, deps);
    for (const packer of packers) packer?.close();
    await recordFull();
    if (input.reuse) refuseInFlight(packers);
    const reused = packers.reduce((sum, packer) => sum + (packer?.reused ?? 0), 0);
    return { contentSha256: content.sha256(), shards, reused };
  } catch (error) {
    records.discard();
    places?.discard();
    for (const packer of packers) packer?.discard();
    throw error;
  }
}

/** In pieces: joined, the record would be copied once more. */
function writeRecord(file: NewFile, { customId, record }: RenderedRequest): void {
  file.write(recordHead(customId));
  if (record.bytes === undefined) file.write(record.json);
  else file.writeBytes(record.bytes);
  file.write(RECORD_LINE_END);
}

/**
 * Where the job file wants each output: with the record and the places of the others that is what the path in the store
 * is made from. Null where it says nothing.
 */
function openPlaces({ frozen, spec }: BuildInput, job: Job, { files }: LocalDeps): NewFile | null {
  if (frozen === null || frozen.stages.every(({ output }) => output === null)) return null;
  return files.create(outputsPath(files.requestsDir(job.jobId)), { private: spec.private });
}

/** Null for a stage that waits for others: it has no requests yet. */
async function openPackers(
  input: BuildInput,
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<readonly (StagePacker | null)[]> {
  const packers: (StagePacker | null)[] = [];
  for (const stage of job.stages) {
    const packing = {
      origin: 'build',
      route: 'batch',
      lastNumber: 0,
      reuse: input.spec.changedOnly,
    } as const;
    packers.push(stage.state === 'open' ? await openStagePacker(job, stage, packing, deps, signal) : null);
  }
  return packers;
}

/** A request that is under way elsewhere has no answer yet, and would be paid a second time. */
function refuseInFlight(packers: readonly (StagePacker | null)[]): void {
  const jobs = packers.flatMap((packer) => [...(packer?.inFlight ?? [])]);
  const [first] = jobs;
  if (first === undefined) return;
  throw new DecisionError(`nothing was built: some of the requests are in flight already`, {
    code: 'in_flight',
    why: jobs.map(([jobId, count]) => `job ${jobId} has ${count} of them under way`).join('; '),
    next: `batchctl resume ${first[0]}, then the same command again; --new sends them a second time`,
  });
}

/** What makes two jobs the same besides their requests: later stages count by what will make their requests. */
function contentHead({ name, spec, frozen }: BuildInput): string {
  const later = frozen?.stages.filter((stage) => stage.needs.length > 0) ?? [];
  return JSON.stringify([name, spec.apiVersion, ...spec.betas, ...later]);
}

/** What later processes build later stages, retries and outputs from, whatever becomes of the job file meanwhile. */
function freeze({ frozen, spec }: BuildInput, job: Job, { files }: LocalDeps): void {
  if (frozen === null) return;
  const path = frozenPath(files.requestsDir(job.jobId));
  files.replace(path, `${JSON.stringify(frozen, null, 2)}\n`, { private: spec.private, durable: true });
}
