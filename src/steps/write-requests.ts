import { createHash } from 'node:crypto';
import { DecisionError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { defaultExtension, defaultOutputPath } from '../core/output-place.ts';
import { distinctPath, foldPath } from '../core/paths.ts';
import { frozenPath } from '../core/ports/files.ts';
import type { NewRow } from '../core/ports/store-views.ts';
import type { RenderedRequest, RenderItem } from '../core/record.ts';
import type { BuildInput } from './build-requests.ts';
import type { Problems } from './collect-problems.ts';
import type { LocalDeps } from './deps.ts';
import type { PackedRequest } from './pack-shards.ts';
import { openStagePacker, type StagePacker } from './stage-packer.ts';

/** A build under way. */
export interface Writing {
  readonly job: Job;
  readonly problems: Problems;
  /** Records without a request that the job goes without. */
  readonly leftOut: Problems;
  records: number;
}

type Row = NewRow & { readonly shardId: number | null };

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
  const content = createHash('sha256').update(contentHead(input));
  let shards = 0;
  const recordFull = async (): Promise<void> => {
    for (const packer of packers) {
      for (const { id, ...facts } of packer?.takeFull() ?? []) {
        await deps.store.closeShard(id, facts);
        shards += 1;
      }
    }
  };
  try {
    for await (const items of input.items) {
      signal.throwIfAborted();
      const rows: NewRow[][] = job.stages.map(() => []);
      const requests: PackedRequest[][] = job.stages.map(() => []);
      for (const item of items) {
        if (item.kind === 'problem') {
          (input.skipBad ? writing.leftOut : problems).add(item.at, item.problem);
          continue;
        }
        writing.records += 1;
        const recordOffset = records.bytes;
        records.write(`${item.recordJson}\n`);
        const place = { recordOffset, recordLength: records.bytes - recordOffset - 1 };
        for (const [index, stage] of job.stages.entries()) {
          const { paramsJson = null, attached } = item.stages[index] ?? {};
          rows[index]?.push(toRow(item, index, place, { job, stage: stage.name, input }));
          if (paramsJson === null) continue;
          const { seq, customId, group } = item;
          content.update(`\n${customId}\n`).update(paramsJson);
          requests[index]?.push({ seq, customId, group, paramsJson, attached });
        }
      }
      const packed: Row[][] = [];
      for (const [index, packer] of packers.entries()) {
        const places = (await packer?.add(requests[index] ?? [])) ?? [];
        // A stage has a request of every record or of none.
        packed.push((rows[index] ?? []).map((row, at) => ({ ...row, shardId: places[at]?.shardId ?? null })));
      }
      await addRows(deps, writing, packed, items);
      await recordFull();
      deps.report({ kind: 'building', requests: writing.records });
    }
    if (writing.records === 0) {
      problems.throwIfAny(`job "${input.name}" was not built`);
      writing.leftOut.throwIfAny(`job "${input.name}" was not built`);
    }
    records.finish();
    freeze(input, job, deps);
    for (const packer of packers) packer?.close();
    await recordFull();
    if (input.reuse) refuseInFlight(packers);
    const reused = packers.reduce((sum, packer) => sum + (packer?.reused ?? 0), 0);
    return { contentSha256: content.digest('hex'), shards, reused };
  } catch (error) {
    records.discard();
    for (const packer of packers) packer?.discard();
    throw error;
  }
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

function toRow(
  item: RenderedRequest,
  index: number,
  record: { readonly recordOffset: number; readonly recordLength: number },
  place: { readonly job: Job; readonly stage: string; readonly input: BuildInput },
): NewRow {
  const outputPath = outputPathOf(item, index, place);
  const path =
    outputPath ?? defaultOutputPath(`batch_results/${place.job.jobId}`, place.stage, item.customId);
  return {
    seq: item.seq,
    customId: item.customId,
    ...record,
    outputPath,
    outputFold: foldPath(path),
  };
}

/** Null: the default place, whose extension is .md. */
function outputPathOf(
  { stages, customId }: RenderedRequest,
  index: number,
  { job, stage, input }: { readonly job: Job; readonly stage: string; readonly input: BuildInput },
): string | null {
  const given = stages[index]?.outputPath ?? null;
  const frozen = input.frozen?.stages[index];
  return given === null && frozen !== undefined && defaultExtension(frozen) === 'json'
    ? defaultOutputPath(`batch_results/${job.jobId}`, stage, customId, 'json')
    : given;
}

/** An id used twice is a problem of the data; a path used twice is made distinct, again if need be. */
async function addRows(
  deps: LocalDeps,
  { job, problems }: Writing,
  rows: readonly (readonly Row[])[],
  items: readonly RenderItem[],
): Promise<void> {
  const refused = new Set<number>();
  for (const [index, stage] of job.stages.entries()) {
    for (let trying = (rows[index] ?? []).filter(({ seq }) => !refused.has(seq)); trying.length > 0; ) {
      const again: Row[] = [];
      for (const clash of await deps.store.addRows(stage.id, trying)) {
        const row = trying.find((one) => one.seq === clash.seq);
        const item = items.find((one) => one.kind === 'request' && one.seq === clash.seq);
        if (row === undefined || item?.kind !== 'request') continue;
        if (clash.on === 'custom_id') {
          problems.add(item.at, `custom_id "${row.customId}" is used before, by record ${clash.earlierSeq}`);
          refused.add(clash.seq);
          continue;
        }
        const path =
          row.outputPath ?? defaultOutputPath(`batch_results/${job.jobId}`, stage.name, row.customId);
        const outputPath = distinctPath(path, row.seq);
        again.push({ ...row, outputPath, outputFold: foldPath(outputPath) });
      }
      trying = again;
    }
  }
}

/** What later processes build later stages, retries and outputs from, whatever becomes of the job file meanwhile. */
function freeze({ frozen, spec }: BuildInput, job: Job, { files }: LocalDeps): void {
  if (frozen === null) return;
  const path = frozenPath(files.requestsDir(job.jobId));
  files.replace(path, `${JSON.stringify(frozen, null, 2)}\n`, { private: spec.private, durable: true });
}
