import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readHelps } from '../scripts/write-cli-docs.ts';
import { countBatches, EXAMPLES, initExample, listFiles } from './support/run-example.ts';

interface Row {
  readonly custom_id: string;
  readonly stage: string;
  /** Where the job file wants the answer. */
  readonly output: string;
}

interface Example {
  readonly name: string;
  /** In the order of the input, stage after stage. Found out without the program. */
  readonly rows: readonly Row[];
  /** Of each stage, in order. */
  readonly batches: readonly (readonly [stage: string, count: number])[];
}

const MAIN = [['main', 1]] as const;

const examples: readonly Example[] = [
  { name: 'documents', rows: [...paragraphs()], batches: MAIN },
  { name: 'entity-extraction', rows: [...sections()], batches: [['main', 3]] },
  { name: 'interviews', rows: [...interviews()], batches: MAIN },
  { name: 'product-copy', rows: [...products()], batches: MAIN },
  {
    name: 'round-reports',
    rows: [...rounds('notes'), ...rounds('report', 'reports'), ...rounds('brief', 'briefs')],
    batches: [
      ['notes', 1],
      ['report', 1],
      ['brief', 1],
    ],
  },
];

test('every folder of examples/ is run by these tests', () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map((entry) => entry.name).sort()).toEqual(examples.map((example) => example.name));
});

describe.each(examples)('$name', ({ name, rows, batches }) => {
  const first = rows.filter(({ stage }) => stage === batches[0]?.[0]);
  const stages = batches.flatMap(([stage, count]) => Array.from({ length: count }, () => stage));
  const submit = ['submit', '--use-batch', '--emulator', '--interval', '200ms'] as const;

  test('is copied whole by init --example, and plans without a key', async () => {
    const copy = await initExample(name);
    const own = listFiles(copy.folder).filter((path) => !/^(?:\.gitignore|batch_re)/.test(path));
    const produced = ignoredPaths(name);
    const there = listFiles(join(EXAMPLES, name)).filter(
      (path) => !produced.some((ignored) => path.startsWith(ignored)),
    );
    expect(own).toEqual(there);
    expect(await copy.json('plan')).toMatchObject({ name, requests: first.length, problem_count: 0 });
    expect(listFiles(copy.folder).filter((path) => path.startsWith('.batchctl'))).toEqual([]);
  });

  test('goes from build to verify in four processes', async () => {
    const copy = await initExample(name);
    const built = await copy.json('build');
    expect(built).toMatchObject({ name, state: 'built', requests: rows.length, batches: [] });

    const sent = await copy.json(
      ...['submit', String(built['job_id']), '--use-batch', '--submit-only', '--emulator'],
    );
    expect(sent).toMatchObject({ job_id: built['job_id'], requests: rows.length });
    expect(sent['batches']).toHaveLength(batches[0]?.[1] ?? 0);

    const done = await copy.json('retrieve', name, '--wait', '--interval', '200ms');
    expect(done).toMatchObject({ state: 'done', succeeded: rows.length, failures: {} });
    expect(done['batches']).toMatchObject(stages.map((stage) => ({ stage })));

    const proof = await copy.json('verify', 'latest');
    expect(proof).toMatchObject({ ok: true, requests: rows.length, succeeded: rows.length, problems: [] });
  });

  test('gives a line and a file a request, in the order of the input, the same files in real time', async () => {
    const copy = await initExample(name);
    const done = await copy.json(...submit);
    const found = copy.rows(done);
    expect(found.map(({ custom_id, stage, output }) => ({ custom_id, stage, output }))).toEqual(rows);
    expect(found.filter(({ status, failure }) => status !== 'succeeded' || failure !== null)).toEqual([]);

    const other = await initExample(name);
    const inRealTime = await other.json('submit', '--emulator');
    expect(inRealTime).toMatchObject({ state: 'done', succeeded: rows.length, batches: [] });
    for (const folder of new Set(rows.map(({ output }) => output.split('/')[0] ?? ''))) {
      const written = copy.files(folder);
      const expected = rows.map(({ output }) => output).filter((path) => path.startsWith(`${folder}/`));
      expect([...written.keys()]).toEqual(expected.toSorted());
      expect(other.files(folder)).toEqual(written);
    }
  });

  test('submit of the same content carries the unfinished job on and sends nothing twice', async () => {
    const copy = await initExample(name);
    const sent = await copy.json('submit', '--use-batch', '--emulator', '--submit-only');
    const done = await copy.json(...submit);
    expect(done).toMatchObject({ job_id: sent['job_id'], state: 'done' });
    expect(await countBatches(copy.folder)).toBe(stages.length);
  });

  test('has a README of 20 to 45 lines whose commands run as they stand', async () => {
    const copy = await initExample(name);
    const readme = copy.read('README.md');
    expect(readme.trimEnd().split('\n').length).toBeGreaterThanOrEqual(20);
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(45);
    const commands = commandsUnder('Run it without a key', readme);
    expect(commands.length).toBeGreaterThan(1);
    for (const args of commands) {
      const { code, stderr } = await copy.run(...args);
      expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
    }
  });

  test('has a README that names no command and no flag that there is not', async () => {
    const helps = new Map((await readHelps()).map((help) => [help.name, help.help]));
    const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
    const named = [...readme.matchAll(/npx batchctl ([^`\n#]+)/g)].map((found) => found[1] ?? '');
    expect(named.length).toBeGreaterThan(2);
    for (const text of named) {
      const [command = '', ...args] = splitArgs(text);
      const help = helps.get(`batchctl ${command}`) ?? helps.get(command);
      const flags = args.filter((arg) => /^--?[a-z]/.test(arg));
      expect({ text, unknown: help === undefined || flags.filter((flag) => !help.includes(flag)) }).toEqual({
        text,
        unknown: [],
      });
    }
  });
});

/** What a run of an example in the checkout leaves there. */
function ignoredPaths(name: string): readonly string[] {
  const lines = readFileSync(join(EXAMPLES, '.gitignore'), 'utf8').split('\n');
  const own = lines.filter((line) => line.startsWith(`${name}/`)).map((line) => line.slice(name.length + 1));
  return ['.batchctl/', 'batch_requests/', 'batch_results/', ...own];
}

/** The indented commands below a heading of a README. */
function commandsUnder(heading: string, readme: string): readonly (readonly string[])[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...section.matchAll(/^ {4}npx batchctl (.*)$/gm)].map((found) => splitArgs(found[1] ?? ''));
}

/** As a shell splits them: blanks outside of double quotes; a comment ends the line. */
function splitArgs(line: string): readonly string[] {
  const [command = ''] = line.split(/\s#\s/);
  return [...command.matchAll(/(?:"[^"]*"|[^\s"])+/g)].map(([word]) => word.replaceAll('"', ''));
}

function readExample(path: string): string {
  return readFileSync(join(EXAMPLES, path), 'utf8');
}

function* rounds(stage: string, folder = stage): Generator<Row> {
  for (let teg = 10; teg <= 17; teg += 1) {
    for (let round = 1; round <= 4; round += 1)
      yield { custom_id: `teg${teg}-r${round}`, stage, output: `${folder}/teg${teg}/round${round}.md` };
  }
}

/** Read without the CSV parser of the program: every sku stands at the beginning of a line. */
function* products(): Generator<Row> {
  const categories: Readonly<Record<string, string>> = {
    KIT: 'kitchen',
    TAB: 'table',
    GAR: 'garden',
    DES: 'desk',
    BED: 'bedroom',
    TRA: 'travel',
  };
  const text = readExample('product-copy/data/products.csv');
  for (const [sku, prefix = ''] of text.matchAll(/^([A-Z]{3})-\d{3}(?=,)/gm)) {
    yield { custom_id: sku, stage: 'main', output: `copy/${categories[prefix]}/${sku}.md` };
  }
}

/** Every number stands at the beginning of a line. */
function* interviews(): Generator<Row> {
  for (const [number] of readExample('interviews/data/personas.csv').matchAll(/^\d+(?=,)/gm)) {
    yield {
      custom_id: `interview-${number}`,
      stage: 'main',
      output: `interviews/interview-${number}.json`,
    };
  }
}

/** A paragraph begins on a line with text after one without. */
function* paragraphs(): Generator<Row> {
  const lines = readExample('documents/data/minutes.txt').split('\n');
  for (const [index, line] of lines.entries()) {
    const custom_id = `line-${index + 1}`;
    if (line !== '' && (lines[index - 1] ?? '') === '')
      yield { custom_id, stage: 'main', output: `summaries/${custom_id}.txt` };
  }
}

/** By path; a stem with blanks goes to the API as its readable part and a hash. */
function* sections(): Generator<Row> {
  const legal: Readonly<Record<string, string>> = {
    'Lantern Sea - 1 of 2': 'Lantern-Sea---1-of-2-baa0sxwhvyn4',
    'Lantern Sea - 2 of 2': 'Lantern-Sea---2-of-2-h6jhbdnyz9k1',
  };
  const files = readdirSync(join(EXAMPLES, 'entity-extraction/sections')).sort();
  for (const stem of files.filter((file) => file.endsWith('.txt')).map((file) => file.slice(0, -4))) {
    yield { custom_id: legal[stem] ?? stem, stage: 'main', output: `extracted/${stem}_extracted.json` };
  }
}
