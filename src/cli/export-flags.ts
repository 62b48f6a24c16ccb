import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../core/errors.ts';
import { errnoWords } from '../core/input-failure.ts';
import type { ExportForm } from '../steps/export-job.ts';
import type { Context } from './context.ts';
import { refuseNoPlace } from './export-target.ts';

export const FORMATS = ['csv', 'json', 'jsonl', 'sqlite'] as const;
type Format = (typeof FORMATS)[number];

export interface ExportFlags {
  readonly format?: Format;
  readonly stage?: string;
  readonly output?: string;
  readonly template?: string;
  readonly columns?: readonly string[];
  readonly rawCsv?: boolean;
  readonly bom?: boolean;
}

export interface ExportChoice {
  /** What the user called it. */
  readonly format: Format | 'template';
  readonly form: ExportForm;
  /** Absolute; null is stdout. */
  readonly path: string | null;
}

// What people call such files.
const FORMAT_OF_NAME: readonly (readonly [RegExp, Format])[] = [
  [/\.csv$/i, 'csv'],
  [/\.json$/i, 'json'],
  [/\.(?:jsonl|ndjson)$/i, 'jsonl'],
  [/\.(?:sqlite3?|db)$/i, 'sqlite'],
];

const MAX_TEMPLATE_BYTES = 1_000_000;

/** The flags as one choice. @throws UsageError for what does not go together */
export async function exportForm(flags: ExportFlags, context: Context): Promise<ExportChoice> {
  const path = flags.output === undefined || flags.output === '-' ? null : resolve(context.cwd, flags.output);
  if (path !== null) refuseNoPlace(path);
  if (path === null && context.json)
    throw wrong(
      '--json tells of a file that was written, and this export goes to stdout',
      '--format json, or -o FILE',
    );
  const columns = flags.columns ?? null;
  if (flags.template !== undefined) {
    refuseBeside('--template', { format: flags.format, columns: flags.columns, ...csvFlags(flags) });
    const { compileExportTemplate } = await import('../steps/export-template.ts');
    const template = compileExportTemplate(readTemplate(flags.template, context), flags.template);
    return { format: 'template', form: { kind: 'template', template }, path };
  }
  const format = flags.format ?? FORMAT_OF_NAME.find(([name]) => path !== null && name.test(path))?.[1];
  if (format === undefined)
    throw wrong(
      'which format is not said',
      `--format ${FORMATS.join('|')}, or -o with such a name: -o results.csv`,
    );
  if (format !== 'csv') refuseBeside(`--format ${format}`, csvFlags(flags));
  switch (format) {
    case 'csv': {
      const options = { bom: flags.bom === true, raw: flags.rawCsv === true };
      return { format, form: { kind: 'csv', columns, options }, path };
    }
    case 'json':
    case 'jsonl':
      return { format, form: { kind: format, columns }, path };
    case 'sqlite': {
      if (path === null) throw wrong('a database cannot go to stdout', 'name a file: -o results.sqlite');
      const create = await context.wire.tables();
      return {
        format,
        form: { kind: 'sqlite', columns, create: (names, options) => create(path, names, options) },
        path,
      };
    }
  }
}

/** Names as in the header line of a CSV file, so that one may hold a comma. */
export function parseColumns(text: string, previous: readonly string[] = []): readonly string[] {
  const names: string[] = [];
  let rest = text;
  for (;;) {
    const found = /^\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(?:,|$)/.exec(rest);
    if (found === null)
      throw new InvalidArgumentError('a double quote stands inside a name; write "a ""b""", in quotes.');
    const name = found[1]?.replaceAll('""', '"') ?? found[2]?.trim() ?? '';
    if (name === '') throw new InvalidArgumentError('a name is empty.');
    names.push(name);
    rest = rest.slice(found[0].length);
    if (rest === '' && !found[0].endsWith(',')) break;
  }
  const all = [...previous, ...names];
  const twice = all.find((name, index) => all.indexOf(name) !== index);
  if (twice !== undefined) throw new InvalidArgumentError(`"${twice}" is named twice.`);
  return all;
}

function csvFlags({ rawCsv, bom }: ExportFlags): Readonly<Record<string, unknown>> {
  return { 'raw-csv': rawCsv, bom };
}

function refuseBeside(what: string, flags: Readonly<Record<string, unknown>>): void {
  const [name] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined) throw wrong(`${what} and --${name} do not go together`, 'leave one of them out');
}

function wrong(message: string, next: string): UsageError {
  return new UsageError(message, { code: 'wrong_usage', next });
}

function readTemplate(file: string, { cwd }: Context): string {
  const refuse = (why: string, cause?: unknown): UsageError =>
    new UsageError(`the template ${file} cannot be read`, {
      code: 'template_unreadable',
      why,
      next: `check the path; it is relative to ${cwd}`,
      cause,
    });
  let bytes: Buffer;
  try {
    const path = resolve(cwd, file);
    if (statSync(path).size > MAX_TEMPLATE_BYTES) throw refuse('it is larger than a template can be (1 MB)');
    bytes = readFileSync(path);
  } catch (cause) {
    throw cause instanceof UsageError ? cause : refuse(errnoWords(cause), cause);
  }
  if (!isUtf8(bytes)) throw refuse('it is not UTF-8 text');
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}
