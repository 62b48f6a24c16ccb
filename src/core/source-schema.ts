import { z } from 'zod';
import { ENCODINGS } from './source.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const path = z.string().min(1);
const pathList = z.array(path).min(1);

const fileOrFiles = z.union([path, pathList]);
const someFiles = fileOrFiles.describe('A path, a glob such as data/*.csv, or a list of them; - is stdin');

const dirSource = z.strictObject({
  glob: path.describe('Which files, relative to the job file: sections/*.txt'),
  meta: path
    .optional()
    .describe('A JSON file beside each text file whose keys become columns: "{{stem}}.meta.json"'),
});

const csvSource = z.strictObject({
  file: someFiles,
  delimiter: z
    .string()
    .min(1)
    .max(8)
    .optional()
    .describe('What stands between values: "," (default), ";", "\\t", or auto to find it in the header'),
  encoding: z
    .enum(ENCODINGS)
    .optional()
    .describe('utf8 (default; UTF-16LE with a byte order mark is recognised), utf16le, latin1, windows-1252'),
  quote: z
    .union([z.string().length(1), z.literal(false)])
    .optional()
    .describe('What quotes values: "\\"" by default, false for nothing'),
});

const textSource = z.strictObject({
  file: someFiles,
  split: z
    .enum(['line', 'paragraph'])
    .optional()
    .describe('A record a line (default), or a record a paragraph: lines without a blank one between them'),
});

const parquetSource = z.strictObject({
  file: fileOrFiles.describe('A path, a glob, or a list of them'),
  columns: pathList.optional().describe('Which columns to read; default: all'),
});

const sqliteSource = z.strictObject({
  file: path.describe('The database; it is only read'),
  query: path.describe('One SELECT; its columns are those of the records'),
});

const moduleSource = z.strictObject({
  file: path.describe('A JavaScript or TypeScript module'),
  export: path.optional().describe('The name of the export; default: the default one, else records'),
});

const command = z
  .array(z.string())
  .min(1)
  .describe('A program and its arguments, run without a shell: [python3, build.py]');

const requestsSource = z
  .strictObject({
    command: command.optional(),
    module: z.union([path, moduleSource]).optional().describe('A module whose items are the lines'),
  })
  .meta({ minProperties: 1, maxProperties: 1 });

/** The key `source` of a job file; exactly one kind. */
export const sourceSchema = z
  .strictObject({
    csv: z
      .union([path, pathList, csvSource])
      .optional()
      .describe('CSV files with a header line; a record a row.'),
    jsonl: fileOrFiles.optional().describe('Files with a JSON object a line; a record a line.'),
    json: fileOrFiles.optional().describe('JSON files: a list of objects, {"items": [...]} or one object.'),
    text: z
      .union([path, pathList, textSource])
      .optional()
      .describe('Text files, a record a line or a paragraph, with the columns text, line and file.'),
    axes: z
      .record(z.string().min(1), z.union([z.string(), z.number(), z.array(scalar).min(1)]))
      .optional()
      .describe('The product of ranges and lists, the first one slowest: {round: 1-4, lang: [en, de]}'),
    dir: z
      .union([path, dirSource])
      .optional()
      .describe('Text files, a record a file, with the columns stem, name, path and text.'),
    sqlite: sqliteSource.optional().describe('The rows of a query, a record a row.'),
    parquet: z.union([path, pathList, parquetSource]).optional().describe('Parquet files; a record a row.'),
    module: z
      .union([path, moduleSource])
      .optional()
      .describe('A module that exports records: a list, an (async) iterable, or a function that gives one.'),
    command: command.optional().describe('A program that prints a JSON object a line; a record a line.'),
    requests: z
      .union([path, pathList, requestsSource])
      .optional()
      .describe('Ready-made lines {"custom_id": ..., "params": {...}}, sent as they are.'),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .describe('Where the records come from; exactly one kind.');

export type SourceInput = z.infer<typeof sourceSchema>;

/** Every kind of source, in the order in which they are told. */
export const SOURCE_KINDS: readonly string[] = Object.keys(sourceSchema.shape);
