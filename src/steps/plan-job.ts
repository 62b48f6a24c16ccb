import { DuplicateCounter } from '../core/duplicate-counter.ts';
import type { InputProblem } from '../core/errors.ts';
import { defaultOutputPath } from '../core/output-place.ts';
import { foldPath } from '../core/paths.ts';
import type { ScratchIds } from '../core/ports/scratch.ts';
import type { RenderedRequest, RenderItem } from '../core/record.ts';
import { bodyBytesOf, closesBefore, type ShardLimits } from '../core/shard.ts';
import type { Stage } from '../core/stage.ts';
import { wireId } from '../core/wire-id.ts';
import { collectProblems } from './collect-problems.ts';
import { countSizes, type PlannedSizes } from './plan-sizes.ts';

export interface Plan {
  /** Records that become requests, in each stage. */
  readonly records: number;
  /** That would be sent at once; later stages are built from answers. */
  readonly requests: number;
  readonly stages: readonly PlannedStage[];
  readonly shards: readonly PlannedShard[];
  /** In the order of the data; empty in a job without groups. */
  readonly groups: readonly PlannedGroup[];
  /** Of all create bodies. */
  readonly bytes: number;
  /** A quarter of the bytes of the params: a rule of thumb, not a count. Without later stages. */
  readonly approxInputTokens: number;
  /** The sum of the requests' max_tokens, those of later stages included. */
  readonly maxOutputTokens: number;
  /** Requests that ask word for word what an earlier one of their stage asks; those of later stages are not known. */
  readonly duplicates: number;
  /** What an estimate is made from, a stage each. */
  readonly sizes: readonly PlannedSizes[];
  readonly first: readonly FirstRequest[];
  /** Where the first answers go. */
  readonly outputs: readonly PlannedOutput[];
  readonly problems: readonly InputProblem[];
  readonly problemCount: number;
}

export interface PlannedStage {
  readonly stage: string;
  /** At most so many in a stage that needs others. */
  readonly requests: number;
  readonly needs: readonly string[];
}

export interface PlannedShard {
  readonly stage: string;
  readonly group: string | null;
  readonly requests: number;
  readonly bytes: number;
}

export interface PlannedGroup {
  readonly group: string;
  readonly requests: number;
  readonly shards: number;
  readonly bytes: number;
}

export interface FirstRequest {
  readonly custom_id: string;
  readonly stage: string;
  readonly group: string | null;
  readonly params: unknown;
}

export interface PlannedOutput {
  readonly custom_id: string;
  readonly stage: string;
  /** Null: in the folder of the job, which has no id yet. */
  readonly output: string | null;
}

export interface PlanInput {
  readonly items: AsyncIterable<readonly RenderItem[]>;
  readonly stages: readonly Pick<Stage, 'name' | 'needs' | 'maxTokens'>[];
  readonly limits: ShardLimits;
  /** How many rendered requests to show. */
  readonly first: number;
}

const ANY_NONCE = 'aaaaaaaa';
const MAX_TOKENS = /"max_tokens"\s*:\s*(\d+)/;
const SHOWN_OUTPUTS = 3;

/** A build that writes nothing, sends nothing and needs no key. */
export async function planJob(input: PlanInput, scratch: ScratchIds, signal: AbortSignal): Promise<Plan> {
  const problems = collectProblems();
  const packers = input.stages.map((stage) => countShards(stage.name, input.limits));
  const sizes = input.stages.map(({ name, needs }) => countSizes(name, needs.length > 0));
  const duplicates = input.stages.map(() => new DuplicateCounter());
  const first: FirstRequest[] = [];
  const outputs: PlannedOutput[] = [];
  let records = 0;
  let paramsBytes = 0;
  let attachedTokens = 0;
  let maxOutputTokens = 0;
  for await (const items of input.items) {
    signal.throwIfAborted();
    const requests: RenderedRequest[] = [];
    for (const item of items) {
      if (item.kind === 'problem') {
        problems.add(item.at, item.problem);
        continue;
      }
      requests.push(item);
      records += 1;
      for (const [index, { paramsJson, outputPath, attached }] of item.stages.entries()) {
        const stage = input.stages[index];
        if (stage === undefined) continue;
        if (records <= SHOWN_OUTPUTS)
          outputs.push({ custom_id: item.customId, stage: stage.name, output: outputPath });
        if (paramsJson === null) {
          maxOutputTokens += stage.maxTokens ?? 0;
          continue;
        }
        packers[index]?.add(item.group, lineBytes(item, paramsJson));
        sizes[index]?.add(item.group, paramsJson, attached);
        duplicates[index]?.add(paramsJson);
        paramsBytes += Buffer.byteLength(paramsJson) - (attached?.bytes ?? 0);
        attachedTokens += attached?.approxTokens ?? 0;
        maxOutputTokens += Number(MAX_TOKENS.exec(paramsJson)?.[1] ?? 0);
        if (first.length < input.first) {
          const { customId, group } = item;
          first.push({ custom_id: customId, stage: stage.name, group, params: JSON.parse(paramsJson) });
        }
      }
    }
    for (const clash of scratch.addIds(requests.map(toIds))) {
      const request = requests.find((one) => one.seq === clash.seq);
      if (request === undefined || clash.on !== 'custom_id') continue;
      problems.add(
        request.at,
        `custom_id "${request.customId}" is used before, by record ${clash.earlierSeq}`,
      );
    }
  }
  const shards = packers.flatMap((packer) => packer.close());
  return {
    records,
    requests: shards.reduce((sum, shard) => sum + shard.requests, 0),
    stages: input.stages.map(({ name, needs }) => ({ stage: name, requests: records, needs })),
    shards,
    groups: groupShards(shards),
    bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
    approxInputTokens: Math.ceil(Math.max(0, paramsBytes) / 4) + attachedTokens,
    maxOutputTokens,
    duplicates: duplicates.reduce((sum, counter) => sum + counter.count(), 0),
    sizes: sizes.map((one) => one.sizes()),
    first,
    outputs,
    problems: problems.first,
    problemCount: problems.count,
  };
}

/** Where pack-shards.ts would cut; each group has a shard open. */
function countShards(
  stage: string,
  limits: ShardLimits,
): {
  add(group: string | null, bytes: number): void;
  close(): readonly PlannedShard[];
} {
  const shards: PlannedShard[] = [];
  const closed = new Set<number>();
  const open = new Map<string | null, { requests: number; fileBytes: number }>();
  const closeOne = (
    group: string | null,
    { requests, fileBytes }: { requests: number; fileBytes: number },
  ) => {
    shards.push({ stage, group, requests, bytes: bodyBytesOf(fileBytes) });
    closed.add(requests);
  };
  return {
    add(group, bytes) {
      let shard = open.get(group);
      if (shard !== undefined && closesBefore(shard, bytes, closed, limits)) {
        closeOne(group, shard);
        shard = undefined;
      }
      if (shard === undefined) {
        shard = { requests: 0, fileBytes: 0 };
        open.set(group, shard);
      }
      shard.requests += 1;
      shard.fileBytes += bytes;
    },
    close() {
      for (const [group, shard] of open) closeOne(group, shard);
      return shards;
    },
  };
}

function groupShards(shards: readonly PlannedShard[]): readonly PlannedGroup[] {
  const groups = new Map<string, PlannedGroup>();
  for (const { group, requests, bytes } of shards) {
    if (group === null) continue;
    const sum = groups.get(group) ?? { group, requests: 0, shards: 0, bytes: 0 };
    groups.set(group, {
      group,
      requests: sum.requests + requests,
      shards: sum.shards + 1,
      bytes: sum.bytes + bytes,
    });
  }
  return [...groups.values()];
}

function toIds(request: RenderedRequest): { seq: number; customId: string; outputFold: string } {
  const path = request.stages[0]?.outputPath ?? defaultOutputPath('', 'main', request.customId);
  return { seq: request.seq, customId: request.customId, outputFold: foldPath(path) };
}

function lineBytes(request: RenderedRequest, paramsJson: string): number {
  const id = wireId(request.customId, ANY_NONCE, request.seq);
  return `{"custom_id":"${id}","params":`.length + Buffer.byteLength(paramsJson) + '}\n'.length;
}
