import type { InputProblem } from '../core/errors.ts';
import { defaultOutputPath } from '../core/output-place.ts';
import { foldPath } from '../core/paths.ts';
import type { ScratchIds } from '../core/ports/scratch.ts';
import type { RenderedRequest, RenderItem } from '../core/record.ts';
import { bodyBytesOf, closesBefore, type ShardLimits } from '../core/shard.ts';
import { wireId } from '../core/wire-id.ts';
import { collectProblems } from './collect-problems.ts';

export interface Plan {
  readonly requests: number;
  readonly shards: readonly { readonly requests: number; readonly bytes: number }[];
  /** Of all create bodies. */
  readonly bytes: number;
  /** A quarter of the bytes of the params: a rule of thumb, not a count. */
  readonly approxInputTokens: number;
  /** The sum of the requests' max_tokens. */
  readonly maxOutputTokens: number;
  readonly first: readonly { readonly custom_id: string; readonly params: unknown }[];
  readonly problems: readonly InputProblem[];
  readonly problemCount: number;
}

export interface PlanInput {
  readonly items: AsyncIterable<readonly RenderItem[]>;
  readonly limits: ShardLimits;
  /** How many rendered requests to show. */
  readonly first: number;
}

const ANY_NONCE = 'aaaaaaaa';
const MAX_TOKENS = /"max_tokens"\s*:\s*(\d+)/;

/** A build that writes nothing, sends nothing and needs no key. */
export async function planJob(input: PlanInput, scratch: ScratchIds, signal: AbortSignal): Promise<Plan> {
  const problems = collectProblems();
  const shards: { requests: number; bytes: number }[] = [];
  const closed = new Set<number>();
  const first: { custom_id: string; params: unknown }[] = [];
  let open = { requests: 0, fileBytes: 0 };
  let paramsBytes = 0;
  let maxOutputTokens = 0;
  const closeOpen = (): void => {
    if (open.requests === 0) return;
    shards.push({ requests: open.requests, bytes: bodyBytesOf(open.fileBytes) });
    closed.add(open.requests);
    open = { requests: 0, fileBytes: 0 };
  };
  for await (const items of input.items) {
    signal.throwIfAborted();
    const requests: RenderedRequest[] = [];
    for (const item of items) {
      if (item.kind === 'problem') {
        problems.add(item.at, item.problem);
        continue;
      }
      requests.push(item);
      const bytes = lineBytes(item);
      if (closesBefore(open, bytes, closed, input.limits)) closeOpen();
      open = { requests: open.requests + 1, fileBytes: open.fileBytes + bytes };
      paramsBytes += Buffer.byteLength(item.paramsJson);
      maxOutputTokens += Number(MAX_TOKENS.exec(item.paramsJson)?.[1] ?? 0);
      if (first.length < input.first)
        first.push({ custom_id: item.customId, params: JSON.parse(item.paramsJson) });
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
  closeOpen();
  return {
    requests: shards.reduce((sum, shard) => sum + shard.requests, 0),
    shards,
    bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
    approxInputTokens: Math.ceil(paramsBytes / 4),
    maxOutputTokens,
    first,
    problems: problems.first,
    problemCount: problems.count,
  };
}

function toIds(request: RenderedRequest): { seq: number; customId: string; outputFold: string } {
  const path = request.outputPath ?? defaultOutputPath('', 'main', request.customId);
  return { seq: request.seq, customId: request.customId, outputFold: foldPath(path) };
}

function lineBytes(request: RenderedRequest): number {
  const id = wireId(request.customId, ANY_NONCE, request.seq);
  return `{"custom_id":"${id}","params":`.length + Buffer.byteLength(request.paramsJson) + '}\n'.length;
}
