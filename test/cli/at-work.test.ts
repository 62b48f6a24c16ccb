import { expect, it } from 'vitest';
import { runCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const FILES = {
  'notes.job.yaml':
    'name: notes\nmodel: claude-haiku-5-5\nmax_tokens: 400\nsource: { csv: data.csv }\nprompt: "On {{ thing }}."\n',
  'data.csv': 'id,thing\na,stone\n',
};
const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: '600' };

it('status and show name the process at work on the job, and no next step that its lock would refuse', async () => {
  const cwd = makeTempDir(FILES);
  const submit = startCli(['submit', '--use-batch', '--emulator', '--yes'], { cwd, env });
  await submit.waitFor('1 batch in progress');
  const holder = `process ${submit.child.pid}: batchctl submit --use-batch --emulator --yes, since `;
  const status = await runCli(['status'], { cwd, env });
  expect(status.stdout).toContain(`at work   ${holder}`);
  expect(status.stderr).toMatch(/next: batchctl watch notes-[\d-]+ {3}\(stop it: batchctl cancel notes-/);
  const show = await runCli(['show', 'latest', '--json'], { cwd, env });
  expect(JSON.parse(show.stdout).at_work).toContain(holder);
  const cancel = await runCli(['cancel', 'latest'], { cwd, env });
  expect(cancel.stderr).toMatch(/next: batchctl watch notes-[\d-]+$/m);
  submit.child.kill('SIGKILL');
  await submit.finished;
  const left = await runCli(['status'], { cwd, env });
  expect(left.stdout).not.toContain('at work');
  expect(left.stderr).toContain('next: batchctl retrieve ');
});
