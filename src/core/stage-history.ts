import { shippedModel } from './models.ts';
import type { Shard } from './shard.ts';
import type { SpentLine } from './spent-line.ts';

/** What earlier answers of a stage were like. */
export interface StageHistory {
  readonly answers: number;
  readonly output: number;
  readonly outputSquares: number;
  /** Of batches where there were any: what answers at once find in the cache is another matter. */
  readonly cacheRead: number;
  readonly cacheWritten: number;
}

/** Lines of answers, and how their requests went. */
export interface PastLines {
  readonly route: Shard['route'];
  readonly lines: readonly SpentLine[];
}

/**
 * Of the answers of these models that were written to their end, or to their max_tokens: a refusal or a pause says nothing of
 * the length of an answer. Null when there is none.
 */
export function historyOf(past: readonly PastLines[], models: Iterable<string | null>): StageHistory | null {
  const wanted = new Set([...models].map(idOf));
  const isWanted = ({ failure, model }: SpentLine): boolean =>
    (failure === null || failure === 'truncated') && wanted.has(idOf(model));
  const linesOf = (some: readonly PastLines[]) => some.flatMap(({ lines }) => lines.filter(isWanted));
  const all = linesOf(past);
  if (all.length === 0) return null;
  const batched = linesOf(past.filter(({ route }) => route === 'batch'));
  const caching = batched.length === 0 ? all : batched;
  return {
    answers: sumOf(all, (line) => line.answers),
    output: sumOf(all, (line) => line.output),
    outputSquares: sumOf(all, (line) => line.outputSquares),
    cacheRead: sumOf(caching, (line) => line.cacheRead),
    cacheWritten: sumOf(caching, (line) => line.cacheWrite5m + line.cacheWrite1h),
  };
}

function sumOf(lines: readonly SpentLine[], count: (line: SpentLine) => number): number {
  return lines.reduce((sum, line) => sum + count(line), 0);
}

/** Answers may name a model by its date where requests do not. */
function idOf(model: string | null): string | null {
  return model === null ? null : (shippedModel(model)?.id ?? model);
}

/** Of the tokens that were written or read, the share that was read; null when nothing was cached. */
export function hitRateOf(history: StageHistory | null): number | null {
  if (history === null) return null;
  const cached = history.cacheRead + history.cacheWritten;
  return cached === 0 ? null : history.cacheRead / cached;
}
