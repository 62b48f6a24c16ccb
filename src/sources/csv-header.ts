import { inputFailure } from '../core/input-failure.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;

/**
 * The names of the columns out of the first row. Throws InputError `csv_header` when they cannot name columns.
 * `delimiter` is the one that the row was cut at.
 */
export function readHeader(
  row: readonly string[],
  { file, line, delimiter }: { readonly file: string; readonly line: number; readonly delimiter: string },
): readonly string[] {
  const names = row.map((name) => name.trim());
  const refuse = (problem: string, next: string): Error =>
    inputFailure({ code: 'csv_header', file, line, problem, next });
  const empty = names.indexOf('');
  if (empty !== -1)
    throw refuse(
      `column ${empty + 1} of the header has no name`,
      'give every column a name in the first line',
    );
  const twice = repeated(names);
  if (twice !== undefined)
    throw refuse(`two columns of the header are called "${twice}"`, 'rename one of them');
  const single = names.length === 1 ? names[0] : undefined;
  const other = single === undefined ? undefined : otherDelimiter(single, delimiter);
  if (other !== undefined)
    throw refuse(
      `the columns are separated by ${wordFor(other)}, not ${wordFor(delimiter)}`,
      `say so: csv: {file: ${file}, delimiter: ${JSON.stringify(other)}}; or save the file with commas`,
    );
  return names;
}

/** The first name that stands twice; by a set, because a broken file may have a hundred thousand columns. */
function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

function otherDelimiter(name: string, delimiter: string): string | undefined {
  return DELIMITERS.find((other) => other !== '|' && other !== delimiter && name.includes(other));
}

function wordFor(delimiter: string): string {
  switch (delimiter) {
    case ',':
      return 'commas';
    case ';':
      return 'semicolons';
    case '\t':
      return 'tabs';
    default:
      return JSON.stringify(delimiter);
  }
}

/** The delimiter that stands most often in the first line outside quotes; the comma when there is none. */
export function detectDelimiter(beginning: string, quote: string | null): string {
  const counts = new Map<string, number>(DELIMITERS.map((delimiter) => [delimiter, 0]));
  let isQuoted = false;
  for (const character of beginning.trimStart()) {
    if (character === quote) isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (character === '\n' || character === '\r') break;
    const count = counts.get(character);
    if (count !== undefined) counts.set(character, count + 1);
  }
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

/** How the columns of one file differ from those of the first one; null when they are the same in any order. */
export function headerDifference(
  names: readonly string[],
  first: { readonly file: string; readonly names: readonly string[] },
): string | null {
  const quoted = (list: readonly string[]): string => list.map((name) => `"${name}"`).join(', ');
  const here = new Set(names);
  const there = new Set(first.names);
  const missing = first.names.filter((name) => !here.has(name));
  const extra = names.filter((name) => !there.has(name));
  if (missing.length === 0 && extra.length === 0) return null;
  const parts = [
    ...(missing.length === 0 ? [] : [`${quoted(missing)} not here`]),
    ...(extra.length === 0 ? [] : [`${quoted(extra)} not there`]),
  ];
  return `its columns are not those of ${first.file} (${parts.join(', ')}); files that are read together have the same ones`;
}
