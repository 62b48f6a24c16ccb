import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const ROWS = 6_000;

test(`an export of ${ROWS} rows of 10 KB needs no memory that grows with them, in any format`, async () => {
  const rows = Array.from({ length: ROWS }, (_, index) => `r${index},${'prose '.repeat(1_650)}`);
  const cwd = makeTempDir({
    'words.csv': `id,word\n${rows.join('\n')}\n`,
    'words.job.yaml':
      'name: words\nmodel: claude-haiku-5-5\nmax_tokens: 300\nsource: { csv: words.csv }\nprompt: "Explain {{ id }}"\n',
    't.txt': '{{ id }} {{ word }} {{ text | json }}\n',
  });
  const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
  expect(await runCli(['submit', '--use-batch', '--emulator', '-q'], { cwd, env })).toMatchObject({
    code: 0,
  });
  // A tenth of what the rows take as strings.
  const nodeArgs = ['--max-old-space-size=32'];
  for (const [file, ...more] of [
    ['a.csv'],
    ['a.json'],
    ['a.jsonl'],
    ['a.sqlite'],
    ['a.txt', '--template', 't.txt'],
  ]) {
    const args = ['export', 'latest', '-o', file ?? '', ...more];
    const { code, stderr } = await runCli(args, { cwd, nodeArgs });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('6,000 rows');
    expect(statSync(join(cwd, file ?? '')).size).toBeGreaterThan(ROWS * 9_000);
  }
  let next = 0;
  for await (const line of createInterface({ input: createReadStream(join(cwd, 'a.jsonl')) })) {
    if (!line.startsWith(`{"custom_id":"r${next}",`)) break;
    next += 1;
  }
  expect(next).toBe(ROWS);
  const db = new Database(join(cwd, 'a.sqlite'), { readonly: true });
  const misplaced = db.prepare(
    "SELECT count(*) FROM results WHERE custom_id <> 'r' || (rowid - 1) OR text IS NULL",
  );
  expect(misplaced.pluck().get()).toBe(0);
  db.close();
}, 240_000);
