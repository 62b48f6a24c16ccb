import { shippedModel } from './models.ts';
import type { SpentLine } from './spent-line.ts';

/** What earlier answers of a stage were like. */
export interface StageHistory {
  readonly answers: number;
  readonly output: number;
  readonly outputSquares: number;
  readonly cacheRead: number;
  readonly cacheWritten: number;
}

/**
 * Of the answers of these models that were written to their end, or to their max_tokens: a refusal or a pause says nothing of
 * the length of an answer. Null when there is none.
 */
export function historyOf(lines: Iterable<SpentLine>, models: Iterable<string | null>): StageHistory | null {
  const wanted = new Set([...models].map(idOf));
  const history = { answers: 0, output: 0, outputSquares: 0, cacheRead: 0, cacheWritten: 0 };
  for (const line of lines) {
    if (line.failure !== null && line.failure !== 'truncated') continue;
    if (!wanted.has(idOf(line.model))) continue;
    history.answers += line.answers;
    history.output += line.output;
    history.outputSquares += line.outputSquares;
    history.cacheRead += line.cacheRead;
    history.cacheWritten += line.cacheWrite5m + line.cacheWrite1h;
  }
  return history.answers === 0 ? null : history;
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
