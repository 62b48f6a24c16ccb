import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import { type Finished, runCli } from './run-cli.ts';
import { makeTempDir } from './temp-dir.ts';

export const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

export type Json = Readonly<Record<string, unknown>>;

/** A copy of an example in a folder of its own, made by `init --example`. */
export interface ExampleCopy {
  readonly folder: string;
  run(...args: readonly string[]): Promise<Finished>;
  /** The command must leave with 0; its one JSON document. */
  json(...args: readonly string[]): Promise<Json>;
  read(path: string): string;
  /** Every file below a folder of the copy, by its path in the copy. */
  files(under: string): ReadonlyMap<string, string>;
  /** results.jsonl of a job, parsed. */
  rows(done: Json): readonly Json[];
}

const QUICK = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };

export async function initExample(name: string): Promise<ExampleCopy> {
  const folder = makeTempDir();
  const run = (...args: readonly string[]) => runCli(args, { cwd: folder, env: QUICK });
  const json = async (...args: readonly string[]): Promise<Json> => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  const files = (under: string): ReadonlyMap<string, string> =>
    new Map(listFiles(join(folder, under)).map((path) => [`${under}/${path}`, read(`${under}/${path}`)]));
  const rows = (done: Json) => parseLines(read(`${String(done['output_dir'])}/results.jsonl`));
  await json('init', '--example', name);
  return { folder, run, json, read, files, rows };
}

/** The files below a folder, sorted, with forward slashes; none where there is no folder. */
export function listFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    )
    .sort();
}

export function parseLines(text: string): readonly Json[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** What the emulator of a copy has been sent, all runs together. */
export async function countBatches(folder: string): Promise<number> {
  expect(existsSync(join(folder, '.batchctl', 'emulator.db'))).toBe(true);
  const emulator = await startEmulator({ stateDir: join(folder, '.batchctl') });
  try {
    const response = await fetch(`${emulator.url}/v1/messages/batches?limit=100`, {
      headers: { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2026-10-21' },
    });
    // Holds for every list that the API answers.
    const page = (await response.json()) as { readonly data: readonly unknown[] };
    return page.data.length;
  } finally {
    await emulator.close();
  }
}
