import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CorpusCase, FILES, layOut, runCase } from './run-case.ts';

// A line a case: `case`, `name` and `job`; what must come of it stands beside it in files/good, as `….expected`.
const GOOD = readFileSync(new URL('good.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as CorpusCase);

/** The nonce of a shard is drawn by lot; all else of a request is the same on every machine, every time. */
const NONCE = /--[a-z2-7]{8}-(\d+)"/g;

describe('input that looks bad and is not: each byte of its requests', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'batchctl-corpus-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.concurrent.each(GOOD)('$name ($case)', { timeout: 180_000 }, async (good) => {
    const root = join(mkdtempSync(join(folder, 'case-')), 'workspace');
    mkdirSync(root);
    layOut(good, root);
    const outcome = await runCase({ ...good, args: ['build', 'bad.job.yaml'] }, root);
    expect(outcome).toMatchObject({ exit: 0, code: null });
    expect(builtRequests(root)).toBe(readFileSync(join(FILES, `${good.case}.expected`), 'latin1'));
  });

  it('has a line for every file', () => {
    const files = readdirSync(join(FILES, 'good')).filter((name) => !name.endsWith('.expected'));
    expect(GOOD.map((good) => good.case).toSorted()).toEqual(files.map((name) => `good/${name}`).toSorted());
  });
});

/** All shard files of the only job, byte for byte. */
function builtRequests(root: string): string {
  const requests = join(root, 'batch_requests');
  const [job = ''] = readdirSync(requests).filter((name) => existsSync(join(requests, name, 'job.json')));
  return readdirSync(join(requests, job))
    .filter((name) => /-\d{4}\.jsonl$/.test(name))
    .toSorted()
    .map((name) => readFileSync(join(requests, job, name), 'latin1'))
    .join('')
    .replaceAll(NONCE, '--NONCE-$1"');
}
