import type { Calibration } from './estimate.ts';

/**
 * What a quarter of the bytes is worth in tokens where nobody counted. English text has about four bytes a token; code, tables
 * and other languages have less, down to a token for one or two bytes, hence `high`.
 */
const UP_TO_4_6: Calibration = { low: 0.6, likely: 1, high: 2.5, counted: 0 };

/** Models from 4.7 on make about 30 % more tokens of the same text. Source: about-claude/models/overview, October 2026. */
const FROM_4_7: Calibration = { low: 0.8, likely: 1.3, high: 3.25, counted: 0 };

/** Where the model is not known either. */
export const LOCAL_CALIBRATION: Calibration = { ...FROM_4_7, low: UP_TO_4_6.low };

const OLDER = /^claude-(?:3|(?:haiku|sonnet|opus)-4(?:-[0-6])?(?:-\d{8})?$)/;

/** What is assumed of a model's tokens; one that is not known counts as a new one. */
export function localCalibration(model: string | null): Calibration {
  if (model === null) return LOCAL_CALIBRATION;
  return OLDER.test(model) ? UP_TO_4_6 : FROM_4_7;
}

/** The calibration where somebody counted, else what is assumed of the model. */
export function calibrationFor(calibration: Calibration, model: string | null): Calibration {
  return calibration.counted > 0 ? calibration : localCalibration(model);
}

/** One request: its local tokens, and what the API counted. */
export interface CountedRequest {
  readonly local: number;
  readonly counted: number;
}

/**
 * The ratio of the sums, and how far single requests are off: three standard deviations, at most to the farthest of them, and
 * then as much again as few samples leave open (a quarter for one, 6 % for sixteen). `ofAll`: there are no other requests.
 * Null when nothing was counted.
 */
export function calibrationOf(
  sample: readonly CountedRequest[],
  { ofAll }: { readonly ofAll: boolean },
): Calibration | null {
  const local = sum(sample.map((one) => one.local));
  if (local === 0) return null;
  const likely = sum(sample.map((one) => one.counted)) / local;
  const ratios = sample.map((one) => one.counted / Math.max(1, one.local));
  const deviation = Math.sqrt(sum(ratios.map((ratio) => (ratio - likely) ** 2)) / ratios.length);
  const open = ofAll ? 1 : 1 + 0.25 / Math.sqrt(ratios.length);
  return {
    low: Math.min(likely * 0.98, Math.max(Math.min(...ratios), likely - 3 * deviation)) / open,
    likely,
    high: Math.max(likely * 1.02, Math.min(Math.max(...ratios), likely + 3 * deviation)) * open,
    counted: sample.length,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
