import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initExample } from '../support/run-example.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '200ms'] as const;

test('the system prompt is long enough to be cached, and is the same in all stages', async () => {
  const copy = await initExample('round-reports');
  const done = await copy.json(...SUBMIT, '--select', 'teg=17');
  const read = copy.rows(done).filter(({ usage }) => {
    // Every row has one, as done says.
    const { cache_read_input_tokens } = usage as { readonly cache_read_input_tokens: number };
    return cache_read_input_tokens > 512;
  });
  // The first row of each batch writes the cache.
  expect(read.length).toBe(3 * 4 - 3);
});

test('--select of both axes runs every stage for these rounds alone', async () => {
  const copy = await initExample('round-reports');
  const done = await copy.json(...SUBMIT, '--select', 'teg=16-17', '--select', 'round=4');
  expect(done).toMatchObject({ requests: 6, succeeded: 6 });
  for (const folder of ['notes', 'reports', 'briefs']) {
    expect([...copy.files(folder).keys()]).toEqual([
      `${folder}/teg16/round4.md`,
      `${folder}/teg17/round4.md`,
    ]);
  }
});

test('report and brief are asked with the notes of their round', async () => {
  const copy = await initExample('round-reports');
  await copy.json(...SUBMIT, '--select', 'teg=17', '--select', 'round=2');
  const notes = copy.read('notes/teg17/round2.md').trimEnd();
  expect(notes).toContain('Write the story notes of TEG 17, round 2 of 4.');
  for (const stage of ['report', 'brief']) {
    const { params } = await copy.json('show', 'latest', 'teg17-r2', '--stage', stage);
    const { messages } = params as { readonly messages: readonly { readonly content: string }[] };
    expect(messages[0]?.content).toContain(notes);
  }
});

test('one stage alone is built from the files of the other, as they are now', async () => {
  const copy = await initExample('round-reports');
  const round = ['--select', 'teg=10', '--select', 'round=1'] as const;
  const notes = await copy.json(...SUBMIT, ...round, '--stage', 'notes');
  expect(notes).toMatchObject({ requests: 1, succeeded: 1 });
  expect([...copy.files('reports'), ...copy.files('briefs')]).toEqual([]);

  writeFileSync(join(copy.folder, 'notes/teg10/round1.md'), '- Ruth holed out from the car park.\n');
  const reports = await copy.json(...SUBMIT, ...round, '--stage', 'report', '--stage', 'brief');
  expect(reports).toMatchObject({ requests: 2, succeeded: 2 });
  expect(copy.read('notes/teg10/round1.md')).toBe('- Ruth holed out from the car park.\n');
  expect(copy.read('reports/teg10/round1.md')).toContain('Ruth holed out from the car park.');
});

test('--missing makes what is not there yet', async () => {
  const copy = await initExample('round-reports');
  const teg = ['--select', 'teg=12'] as const;
  await copy.json(...SUBMIT, ...teg);
  rmSync(join(copy.folder, 'briefs/teg12/round3.md'));
  const again = await copy.json(...SUBMIT, ...teg, '--stage', 'brief', '--missing');
  expect(again).toMatchObject({ requests: 1, succeeded: 1 });
  expect(copy.files('briefs').size).toBe(4);
});

test('the lines that are commented out commit each output and run a command', async () => {
  const copy = await initExample('round-reports');
  const jobFile = copy.read('round-reports.job.yaml');
  const program = `[${JSON.stringify(process.execPath)}, -e, "require('fs').writeFileSync('ended', process.argv[1])", `;
  const live = jobFile.replace(/^# (?=git:|on_end:)/gm, '').replace('[notify-send, ', program);
  expect(live.match(/^(?:git|on_end): /gm)).toHaveLength(2);
  writeFileSync(join(copy.folder, 'round-reports.job.yaml'), live);
  const git = (...args: readonly string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=Reporter', '-c', 'user.email=reporter@example.com', '-C', copy.folder, ...args],
      { encoding: 'utf8' },
    );
  git('init', '-q');
  git('config', 'user.name', 'Reporter');
  git('config', 'user.email', 'reporter@example.com');
  git('add', '.');
  git('commit', '-q', '-m', 'Begin');

  const done = await copy.json(...SUBMIT, '--select', 'teg=17', '--select', 'round=1');
  const messages = git('log', '--format=%s').trimEnd().split('\n');
  expect(messages.sort()).toEqual(['Begin', 'brief of teg17-r1', 'notes of teg17-r1', 'report of teg17-r1']);
  expect(copy.read('ended')).toBe(`${String(done['job_id'])} is done: 3 of 3`);
});
