import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { buildRequests, InputError } from '../../src/index.ts';
import { MODEL, openEmulated, rejection } from '../library/open-emulated.ts';
import { makeTempDir } from '../support/temp-dir.ts';

// More than go into the store at once.
const MANY = 5_001;

const ids = Array.from({ length: MANY }, (_, index) => `r-${index + 1}`);
const jobOf = (output: string) => ({
  name: 'many',
  model: MODEL,
  max_tokens: 400,
  source: { jsonl: 'data.jsonl' },
  prompt: 'Praise {{ id }}.',
  output,
});
const workspaceOf = (all: readonly string[]) =>
  openEmulated({ dir: makeTempDir({ 'data.jsonl': all.map((id) => `{"id":"${id}"}\n`).join('') }) });

test('an id used twice is named with both of its records, however far they are apart', async () => {
  const workspace = await workspaceOf([...ids, 'r-2', 'r-5001']);
  const error = await rejection(buildRequests(workspace, jobOf('out/{{ id }}.md')));
  expect(error).toBeInstanceOf(InputError);
  expect(error).toMatchObject({
    code: 'bad_records',
    count: 2,
    problems: [
      { line: 5_002, problem: 'custom_id "r-2" is used before, by record 2' },
      { line: 5_003, problem: 'custom_id "r-5001" is used before, by record 5001' },
    ],
  });
});

test('an output used twice is made distinct, however far its records are apart', async () => {
  const workspace = await workspaceOf([...ids, 'R-2']);
  await buildRequests(workspace, jobOf('out/{{ id }}.md'));
  const db = new Database(join(workspace.dir, '.batchctl/state.db'), { readonly: true });
  const paths = db.prepare('SELECT output_path FROM requests WHERE seq IN (2, 5002) ORDER BY seq').pluck();
  expect(paths.all()).toEqual(['out/r-2.md', 'out/R-2-5002.md']);
  db.close();
});
