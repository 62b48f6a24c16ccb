import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAKERS } from './make-workspace.ts';
import { type CorpusCase, countLeft, FILES, layOut, runCase } from './run-case.ts';

/** A line of golden.jsonl: a bad input, and what must come of it. */
interface Golden extends CorpusCase {
  readonly exit: number;
  readonly code: string;
  readonly at: readonly string[];
  /** As long as `at` where it is not given. */
  readonly count?: number;
}

// Written by hand, see CONTRIBUTING.md; its fields are checked by what the tests compare.
const GOLDEN = readFileSync(new URL('golden.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Golden);

const MAX_MEGABYTES = 200;
// Of a processor, twice what was seen at most on a busy machine.
const MAX_MILLISECONDS = 5_000;

/** A line of a stack, as text or inside a JSON string. */
const STACK = /(?:\n|\\n)\s+at \S/;

describe('bad input: the program says where, sends nothing, and needs neither time nor memory for it', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'batchctl-corpus-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.concurrent.each(GOLDEN)('$name ($case)', { timeout: 180_000 }, async (golden) => {
    const place = mkdtempSync(join(folder, 'case-'));
    const root = join(place, 'workspace');
    mkdirSync(root);
    layOut(golden, root);
    const before = readdirSync(place);
    const outcome = await runCase(golden, root);

    expect(outcome.printed).not.toMatch(STACK);
    expect(outcome).toMatchObject({ exit: golden.exit, code: golden.code, at: golden.at });
    expect(outcome.count).toBe(golden.count ?? Math.max(golden.at.length, 1));
    expect(countLeft(root)).toEqual({ posts: 0, jobs: 0 });
    expect(readdirSync(place).filter((name) => !before.includes(name))).toEqual(['peak']);
    expect(outcome.peakMegabytes).toBeLessThan(MAX_MEGABYTES);
    expect(outcome.milliseconds).toBeLessThan(MAX_MILLISECONDS);
    rmSync(place, { recursive: true, force: true });
  });

  it('has a line for every file and every workspace that is made, and each once', () => {
    const files = readdirSync(FILES, { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => /\/.*\./.test(path) && !/^(?:jobs|good)\//.test(path));
    const there = [...files, ...Object.keys(MAKERS).map((name) => `made/${name}`)];
    expect(GOLDEN.map((golden) => golden.case).toSorted()).toEqual(there.toSorted());
    expect(new Set(GOLDEN.map(({ name, case: of }) => `${of.split('/')[0]} ${name}`)).size).toBe(
      GOLDEN.length,
    );
  });

  it('is as large as it should be', () => {
    const count = (pattern: RegExp): number => GOLDEN.filter((golden) => pattern.test(golden.case)).length;
    expect(count(/./)).toBeGreaterThanOrEqual(150);
    expect(count(/csv/)).toBeGreaterThanOrEqual(40);
    expect(count(/jsonl/)).toBeGreaterThanOrEqual(40);
    expect(count(/sqlite|parquet|database/)).toBeGreaterThanOrEqual(30);
  });
});
