/** One dimension of a product of values: a column and what it takes, in order. */
export interface Axis {
  readonly name: string;
  readonly values: readonly AxisValue[];
}

export type AxisValue = string | number | boolean;

// A range is held as a list; a longer one is a typing error (10-17000000) rather than a job.
const MAX_AXIS_VALUES = 1_000_000;

// Ten thousand times what anybody has sent; read one by one they would take days.
const MAX_COMBINATIONS = 100_000_000;

const RANGE = /^\s*(\d{1,15})\s*-\s*(\d{1,15})\s*$/;

/** Whole numbers from `from` to `to`, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
  /** Digits of numbers written with zeros in front (`01-12`), which are text of that width; null: plain numbers. */
  readonly width: number | null;
}

/** Reads `10-17`; null for any other text. It may run backwards. */
export function parseRange(text: string): NumberRange | null {
  const found = RANGE.exec(text);
  if (found === null) return null;
  const [first = '', last = ''] = [found[1], found[2]];
  const width = first.length > 1 && first.startsWith('0') ? first.length : null;
  return { from: Number(first), to: Number(last), width };
}

/** The values of an axis, or a sentence that says what is wrong with it. */
export type ParsedAxis =
  | { readonly ok: true; readonly values: readonly AxisValue[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads `10-17` (both ends included), `01-12` (numbers written with zeros in front stay text of that width),
 * a single number, or a list of texts, numbers and truth values.
 */
export function parseAxis(value: string | number | readonly AxisValue[]): ParsedAxis {
  if (typeof value === 'number') return { ok: true, values: [value] };
  if (typeof value !== 'string') return { ok: true, values: value };
  const range = parseRange(value);
  if (range === null)
    return { ok: false, problem: 'is neither a range such as 1-4 nor a list such as [en, de]' };
  const { from, to, width } = range;
  if (to < from)
    return {
      ok: false,
      problem: `runs backwards; write ${value
        .trim()
        .split(/\s*-\s*/)
        .reverse()
        .join('-')}`,
    };
  if (to - from >= MAX_AXIS_VALUES)
    return { ok: false, problem: `has more than ${MAX_AXIS_VALUES.toLocaleString('en-US')} values` };
  const values: AxisValue[] = [];
  for (let number = from; number <= to; number += 1) {
    values.push(width === null ? number : String(number).padStart(width, '0'));
  }
  return { ok: true, values };
}

/** What is wrong with axes that are each right; null when nothing is. */
export function combinationsProblem(axes: readonly Axis[]): string | null {
  const count = axes.reduce((product, axis) => product * axis.values.length, 1);
  if (count <= MAX_COMBINATIONS) return null;
  return `gives ${count.toLocaleString('en-US')} combinations; at most ${MAX_COMBINATIONS.toLocaleString('en-US')} can be read`;
}

/** Every combination, the first axis slowest. Nothing is held but one position per axis. */
export function* combinations(axes: readonly Axis[]): Generator<readonly AxisValue[]> {
  if (axes.some((axis) => axis.values.length === 0)) return;
  const positions = axes.map(() => 0);
  for (;;) {
    yield axes.map((axis, index) => axis.values[positions[index] ?? 0] ?? '');
    let turning = axes.length - 1;
    for (; turning >= 0; turning -= 1) {
      const next = (positions[turning] ?? 0) + 1;
      if (next < (axes[turning]?.values.length ?? 0)) {
        positions[turning] = next;
        break;
      }
      positions[turning] = 0;
    }
    if (turning < 0) return;
  }
}
