import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startEmulator } from '../src/emulator/server.ts';
import { runCli } from './support/run-cli.ts';
import { makeTempDir } from './support/temp-dir.ts';

const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url));

interface Example {
  readonly name: string;
  /** Every custom_id in the order of the input, with the file that the job file wants its answer in. */
  readonly outputs: ReadonlyMap<string, string>;
}

const examples: readonly Example[] = [
  { name: 'product-copy', outputs: new Map(readProducts()) },
  { name: 'round-reports', outputs: new Map(everyRound()) },
];

test('every folder of examples/ is run by these tests', () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map((entry) => entry.name).sort()).toEqual(examples.map((example) => example.name));
});

describe.each(examples)('$name', ({ name, outputs }) => {
  test('goes from build to verify in four processes', async () => {
    const folder = copyExample(name);
    const built = await runJson(['build'], folder);
    expect(built).toMatchObject({ name, state: 'built', requests: outputs.size, batches: [] });

    const submit = ['submit', String(built['job_id']), '--use-batch', '--submit-only', '--emulator'];
    const sent = await runJson(submit, folder);
    expect(sent).toMatchObject({ job_id: built['job_id'], requests: outputs.size });
    expect(sent['batches']).toHaveLength(1);

    const done = await runJson(['retrieve', name, '--wait'], folder);
    expect(done).toMatchObject({ state: 'done', succeeded: outputs.size, failures: {} });

    const proof = await runJson(['verify', 'latest'], folder);
    expect(proof).toMatchObject({ ok: true, requests: outputs.size, succeeded: outputs.size, problems: [] });
  });

  test('gives one line a record in the order of the input, and a file a record where the job file says', async () => {
    const folder = copyExample(name);
    const done = await runJson(['submit', '--use-batch', '--emulator'], folder);
    const rows = readLines(join(folder, String(done['output_dir']), 'results.jsonl'));
    expect(rows.map((row) => row['custom_id'])).toEqual([...outputs.keys()]);
    for (const row of rows) {
      expect(row).toMatchObject({
        status: 'succeeded',
        failure: null,
        output: outputs.get(String(row['custom_id'])),
      });
      const written = readFileSync(join(folder, String(row['output'])), 'utf8');
      expect(written.trimEnd()).toBe(String(row['text']).trimEnd());
    }
  });

  test('submit of the same content carries the unfinished job on and sends nothing twice', async () => {
    const folder = copyExample(name);
    const first = await runJson(['submit', '--use-batch', '--emulator', '--submit-only'], folder);
    const second = await runJson(['submit', '--use-batch', '--emulator'], folder);
    expect(second).toMatchObject({ job_id: first['job_id'], state: 'done' });
    expect(await countBatches(folder)).toBe(1);
  });
});

test('round-reports has a system prompt that is long enough to be cached', async () => {
  const done = await runJson(['submit', '--use-batch', '--emulator'], copyExample('round-reports'));
  expect(done['usage']).toHaveProperty(
    'cache_read_input_tokens',
    expect.toSatisfy((tokens) => Number(tokens) > 0),
  );
});

test('submit of a finished job of the same content makes a new job', async () => {
  const folder = copyExample('product-copy');
  const first = await runJson(['submit', '--use-batch', '--emulator'], folder);
  const second = await runJson(['submit', '--use-batch', '--emulator'], folder);
  expect(second['job_id']).not.toBe(first['job_id']);
  expect(await countBatches(folder)).toBe(2);
});

test('a product whose features look like a template is sent as it stands', async () => {
  const folder = copyExample('product-copy');
  await runJson(['submit', '--use-batch', '--emulator'], folder);
  // The emulator's answers quote the prompt.
  expect(readFileSync(join(folder, 'copy/table/TAB-006.md'), 'utf8')).toContain('{{ your name }}');
});

type Json = Readonly<Record<string, unknown>>;

/** The command must leave with 0; its one JSON document. */
async function runJson(args: readonly string[], cwd: string): Promise<Json> {
  const { code, stdout, stderr } = await runCli([...args, '--json'], { cwd });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Without what a run in the checkout left behind. */
function copyExample(name: string): string {
  const folder = makeTempDir();
  const source = join(EXAMPLES, name);
  const produced = /^(?:\.batchctl|batch_requests|batch_results|reports|copy)$/;
  cpSync(source, folder, {
    recursive: true,
    filter: (path) => !produced.test(path.slice(source.length + 1).split(sep)[0] ?? ''),
  });
  return folder;
}

async function countBatches(folder: string): Promise<number> {
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

function readLines(path: string): readonly Json[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function* everyRound(): Generator<readonly [string, string]> {
  for (let teg = 10; teg <= 17; teg += 1) {
    for (let round = 1; round <= 4; round += 1)
      yield [`teg${teg}-r${round}`, `reports/teg${teg}/round${round}.md`];
  }
}

/** Read without the CSV parser of the program: every sku stands at the beginning of a line. */
function* readProducts(): Generator<readonly [string, string]> {
  const text = readFileSync(join(EXAMPLES, 'product-copy/data/products.csv'), 'utf8');
  const categories: Readonly<Record<string, string>> = {
    KIT: 'kitchen',
    TAB: 'table',
    GAR: 'garden',
    DES: 'desk',
    BED: 'bedroom',
    TRA: 'travel',
  };
  for (const [sku, prefix = ''] of text.matchAll(/^([A-Z]{3})-\d{3}(?=,)/gm)) {
    yield [sku, `copy/${categories[prefix]}/${sku}.md`];
  }
}
