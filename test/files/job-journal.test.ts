import { constants } from 'node:buffer';
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openJobFiles } from '../../src/files/job-files.ts';
import { openJournal } from '../../src/files/job-journal.ts';
import { refuseLostStore } from '../../src/files/lost-store.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const shard = (nonce: string, state: string) => `{"kind":"shard","nonce":"${nonce}","state":"${state}"}`;
const SEALED = `{"kind":"shard","nonce":"aaaaaaaa","submissions":[{"sealed_at":"2026-11-28T10:00:00.000Z"}]}`;

function makeJournal(lines: readonly string[]) {
  const dir = makeTempDir();
  const path = join(dir, 'batch_requests/words-1/journal.jsonl');
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return { dir, path, last: () => openJournal(dir, openJobFiles(dir)).last('words-1') };
}

/** A hole of zeros, which is one torn line. */
function grow(path: string): void {
  truncateSync(path, constants.MAX_STRING_LENGTH + 1_000_000);
  appendFileSync(path, '\n');
}

describe('the last line about the job and about each shard', () => {
  test('is what counts, and a torn last line does not', () => {
    const { path, last } = makeJournal([
      '{"kind":"job","name":"a"}',
      shard('aaaaaaaa', 'built'),
      shard('bbbbbbbb', 'built'),
      '{"kind":"event","event":"x","nonce":"cccccccc"}',
      '{"kind":"job","name":"b"}',
      shard('aaaaaaaa', 'live'),
    ]);
    appendFileSync(path, '{"kind":"shard","nonce":"bbbbbbbb","sta');
    expect([...last()]).toEqual([
      ['job', '{"kind":"job","name":"b"}'],
      ['aaaaaaaa', shard('aaaaaaaa', 'live')],
      ['bbbbbbbb', shard('bbbbbbbb', 'built')],
    ]);
  });

  test('is found in a journal that is larger than a string can be', () => {
    const { path, last } = makeJournal([shard('aaaaaaaa', 'built')]);
    grow(path);
    appendFileSync(path, `${shard('aaaaaaaa', 'live')}\n`);
    const found = [...last()];
    rmSync(path);
    expect(found).toEqual([['aaaaaaaa', shard('aaaaaaaa', 'live')]]);
  });

  test('of a job without a journal is none', () => {
    const { dir } = makeJournal([]);
    expect(openJournal(dir, openJobFiles(dir)).last('words-2').size).toBe(0);
  });
});

test('a seal is found in such a journal, so that a new store is not made beside it', () => {
  const { dir, path } = makeJournal([shard('aaaaaaaa', 'built')]);
  expect(() => refuseLostStore(dir, join(dir, '.batchctl/state.db'))).not.toThrow();
  grow(path);
  appendFileSync(path, `${SEALED}\n`);
  const refuse = () => refuseLostStore(dir, join(dir, '.batchctl/state.db'));
  expect(refuse).toThrow('the store is gone');
  rmSync(path);
});
