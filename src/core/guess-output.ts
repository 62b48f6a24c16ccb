import type { OutputBasis } from './estimate.ts';
import type { RangeEnd } from './price-sizes.ts';
import type { SizeClass } from './request-sizes.ts';
import type { ExpectedOutput } from './spending-rules.ts';
import type { StageHistory } from './stage-history.ts';

/** How many tokens answers are expected to have. */
export interface OutputGuess {
  readonly basis: OutputBasis;
  /** Of all requests of a class; `input` is the likely one of all of them. Never above their max_tokens. */
  readonly outputOf: (size: SizeClass, input: number, end: RangeEnd) => number;
}

/**
 * Half of what may be written is as good a guess as any other. The least is short: max_tokens is often set to the most that the
 * model takes, and an answer of a label or a sentence takes no notice of it.
 */
const UNKNOWN_SHARE = { low: 0.1, likely: 0.5 } as const;
const SHORT_ANSWER = 100;
/** What the mean of the next answers may differ from that of the last ones, beside chance. */
const DRIFT = 0.1;

/** Earlier answers say most, then the job file, then max_tokens. */
export function guessOutput(history: StageHistory | null, expected: ExpectedOutput | null): OutputGuess {
  if (history !== null) {
    const means = meansOf(history);
    return guess('history', ({ requests }, _input, end) => requests * means[end]);
  }
  if (expected?.kind === 'tokens')
    return guess('expected', ({ requests }, _input, end) => requests * expected.tokens * SHARE[end]);
  if (expected?.kind === 'percent')
    return guess('expected', (_size, input, end) => (input * expected.percent * SHARE[end]) / 100);
  return guess('max_tokens', ({ maxTokens, requests }, _input, end) => {
    const share = maxTokens * UNKNOWN_SHARE[end];
    return end === 'low' ? Math.min(share, requests * SHORT_ANSWER) : share;
  });
}

const SHARE = { low: 0.5, likely: 1 } as const;

type LowerEnd = Exclude<RangeEnd, 'high'>;

function guess(
  basis: OutputBasis,
  outputOf: (size: SizeClass, input: number, end: LowerEnd) => number,
): OutputGuess {
  return {
    basis,
    outputOf: (size, input, end) =>
      end === 'high' ? size.maxTokens : Math.min(size.maxTokens, outputOf(size, input, end)),
  };
}

function meansOf({ answers, output, outputSquares }: StageHistory): Readonly<Record<LowerEnd, number>> {
  const mean = output / answers;
  const deviation = Math.sqrt(Math.max(0, outputSquares / answers - mean ** 2));
  const low = mean * (1 - DRIFT) - (2 * deviation) / Math.sqrt(answers);
  return { likely: mean, low: Math.max(0, low) };
}
