/** One dimension of a product of values: a column and what it takes, in order. */
export interface Axis {
  readonly name: string;
  readonly values: readonly AxisValue[];
}

export type AxisValue = string | number | boolean;

// A range is held as a list; a longer one is a typing error (10-17000000) rather than a job.
const MAX_AXIS_VALUES = 1_000_000;

const RANGE = /^\s*(\d{1,15})\s*-\s*(\d{1,15})\s*$/;

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
  const range = RANGE.exec(value);
  if (range === null)
    return { ok: false, problem: 'is neither a range such as 1-4 nor a list such as [en, de]' };
  const [first = '', last = ''] = [range[1], range[2]];
  const [from, to] = [Number(first), Number(last)];
  if (to < from) return { ok: false, problem: `runs backwards; write ${last}-${first}` };
  if (to - from >= MAX_AXIS_VALUES)
    return { ok: false, problem: `has more than ${MAX_AXIS_VALUES.toLocaleString('en-US')} values` };
  const padded = first.length > 1 && first.startsWith('0');
  const values: AxisValue[] = [];
  for (let number = from; number <= to; number += 1) {
    values.push(padded ? String(number).padStart(first.length, '0') : number);
  }
  return { ok: true, values };
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
