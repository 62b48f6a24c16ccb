import { FAULTS, type FaultName, type FaultScope } from './fault-list.ts';

export { FAULTS };

/** One fault as it was asked for, in the text form `name[=value][@count]`. */
export interface Fault {
  readonly name: FaultName;
  readonly scope: FaultScope;
  /** The value as written; null for a fault without one. */
  readonly value: string | null;
  /** The value as a number; 0 where it is not one. */
  readonly amount: number;
  /** How many calls it happens to; null for a standing fault. */
  readonly count: number | null;
}

/** What each kind of value must look like; the words are those of the list. */
const VALUE_RULES: Readonly<Record<string, (value: string) => boolean>> = {
  FRACTION: isShare,
  SHARE: isShare,
  SECONDS: (value) => isNumber(value) && Number(value) >= 0,
  '±SECONDS': (value) => isNumber(value.replace(/^-/, '')),
  STATUS: (value) => /^[2-5]\d\d$/.test(value),
  BYTES: isWhole,
  NUMBER: isWhole,
  BYTES_PER_SECOND: (value) => isWhole(value) && Number(value) > 0,
  KEY: (value) => value !== '',
  URL: (value) => URL.canParse(value),
  ORIGIN: (value) => URL.canParse(value),
};

/** Reads one fault; throws an Error that names what is wrong with it, and the nearest name when there is no such fault. */
export function parseFault(text: string): Fault {
  const {
    name,
    value = null,
    count = null,
  } = /^(?<name>[^=@]*)(?:=(?<value>.*?))?(?:@(?<count>\d+))?$/s.exec(text)?.groups ?? {};
  const known = FAULTS.find((fault) => fault.name === name);
  if (known === undefined)
    throw new Error(`unknown fault "${text}"; the nearest one is "${nearestName(name ?? text)}"`);
  if (known.value === null && value !== null)
    throw new Error(`fault "${text}": ${known.name} takes no value`);
  if (known.value !== null && (value === null || !isValue(known.value, value))) {
    throw new Error(`fault "${text}": write ${known.name}=${known.value}`);
  }
  if (known.scope === 'standing' && count !== null) {
    throw new Error(`fault "${text}": ${known.name} holds while it is set and takes no count`);
  }
  return {
    name: known.name,
    scope: known.scope,
    value,
    amount: /^-?\d/.test(value ?? '') ? Number(value) || 0 : 0,
    count: known.scope === 'standing' ? null : Number(count ?? 1),
  };
}

function isValue(kind: string, value: string): boolean {
  return VALUE_RULES[kind]?.(value) ?? kind.split('|').includes(value);
}

function isNumber(value: string): boolean {
  return /^\d+(\.\d+)?$/.test(value);
}

function isWhole(value: string): boolean {
  return /^\d+$/.test(value);
}

function isShare(value: string): boolean {
  return isNumber(value) && Number(value) <= 1;
}

function nearestName(name: string): string {
  const byDistance = FAULTS.map((fault) => ({ name: fault.name, distance: editDistance(name, fault.name) }));
  return byDistance.reduce((best, next) => (next.distance < best.distance ? next : best)).name;
}

/** Levenshtein distance, by rows. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
