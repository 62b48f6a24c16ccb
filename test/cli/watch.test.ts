import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const slow = { BATCHCTL_EMULATOR_BATCH_SECONDS: '600' };
const SUBMIT = ['submit', '--use-batch', '--emulator', '--submit-only', '--json', '--new'];

/** A workspace with as many pending jobs, the oldest first. */
async function pending(jobs: number, seconds: string) {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 3);
  const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: seconds };
  const documents: { job_id: string; batches: { batch_id: string }[] }[] = [];
  for (let n = 0; n < jobs; n += 1) {
    documents.push(JSON.parse((await runCli(SUBMIT, { cwd, env })).stdout));
  }
  return { cwd, env, documents };
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const recordsOf = (text: string): Record<string, unknown>[] => linesOf(text).map((line) => JSON.parse(line));

describe('watch without a terminal', () => {
  test('prints a line per change, leaves with 0 when nothing is pending, and names the next command', async () => {
    const { cwd, env, documents } = await pending(1, '600');
    const [{ job_id: id = '', batches = [] } = {}] = documents;
    const watching = startCli(['watch'], { cwd, env });
    await watching.waitFor('in_progress');
    await runCli(['cancel', id], { cwd, env });
    const { code, stdout, stderr } = await watching.finished;
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    expect(lines[0]).toContain(`${id} main 1: in_progress, batch ${batches[0]?.batch_id}, 3 requests, for `);
    expect(lines[0]).toMatch(/, expires in (?:23 h 59 min|1 d)$/);
    expect(lines.at(-1)).toContain(`${id} main 1: ended, `);
    expect(new Set(lines.map((line) => / main 1: (\w+)/.exec(line)?.[1])).size).toBe(lines.length);
    expect(stderr).toBe(`next: batchctl retrieve ${id}\n`);
    expect(stdout).not.toContain('\u001b');
  });

  test('watches several jobs at once, each look of every batch in the log', async () => {
    // Ten hours: of ten minutes a row may be answered before a slow machine has canceled it.
    const { cwd, env, documents } = await pending(2, '36000');
    const watching = startCli(['watch', '--json', '--log', 'looks.jsonl', '-v'], { cwd, env });
    await watching.waitFor('in_progress');
    for (const { job_id } of documents) await runCli(['cancel', job_id], { cwd, env });
    const { code, stdout, stderr } = await watching.finished;
    expect(code).toBe(0);
    expect(readFileSync(join(cwd, 'looks.jsonl'), 'utf8')).toBe(stdout);
    const records = recordsOf(stdout);
    for (const { job_id, batches } of documents) {
      const own = records.filter((one) => one['batch_id'] === batches[0]?.batch_id);
      expect(own[0]).toMatchObject({ job_id, requests: 3, processing_status: 'in_progress' });
      expect(own[0]?.['next_look_at']).toEqual(expect.any(String));
      expect(own.at(-1)).toMatchObject({
        job_id,
        processing_status: 'ended',
        request_counts: { processing: 0, canceled: 3 },
        next_look_at: null,
      });
    }
    expect(stderr).toContain('next: batchctl resume');
  });

  test('of an id shows that job or batch alone', async () => {
    const { cwd, env, documents } = await pending(3, '600');
    const [first, , third] = documents;
    const ids = [first?.job_id ?? '', third?.batches[0]?.batch_id ?? ''];
    const watching = startCli(['watch', ...ids], { cwd, env });
    await watching.waitFor(ids[1] ?? '');
    watching.child.kill('SIGINT');
    const { stdout } = await watching.finished;
    expect(linesOf(stdout).map((line) => /(\S+) main 1/.exec(line)?.[1])).toEqual([
      first?.job_id,
      third?.job_id,
    ]);
  });

  test('leaves with 130 on Ctrl-C, says what goes on, and looks beside a run that is at work', async () => {
    const cwd = makeTempDir();
    writeSampleJob(cwd, 3);
    const submitting = startCli(['submit', '--use-batch', '--emulator'], { cwd, env: slow });
    onTestFinished(async () => {
      submitting.child.kill('SIGKILL');
      await submitting.finished;
    });
    await submitting.waitFor('1 batch in progress');
    const watching = startCli(['watch'], { cwd, env: slow });
    await watching.waitFor('in_progress');
    watching.child.kill('SIGINT');
    const { code, stderr } = await watching.finished;
    expect(code).toBe(130);
    expect(stderr).toContain('1 batch (3 requests) go on without it');
    expect(stderr).toContain('next: batchctl watch looks again, batchctl resume takes in what has ended');
  });

  test('says that it could not look, and goes on', async () => {
    const cwd = makeTempDir();
    writeSampleJob(cwd, 3);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '600']);
    onTestFinished(() => emulator.stop());
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    await runCli(SUBMIT, { cwd, env });
    await emulator.setFaults(['list-500@1000']);
    const watching = startCli(['watch', '--interval', '100ms'], { cwd, env });
    await watching.waitFor('could not look');
    await emulator.setFaults([]);
    await watching.waitFor('looking works again');
    watching.child.kill('SIGTERM');
    expect(await watching.finished).toMatchObject({ code: 143 });
  });

  test('ends with 4 when the key is of another workspace', async () => {
    const cwd = makeTempDir();
    writeSampleJob(cwd, 3);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '600']);
    onTestFinished(() => emulator.stop());
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    await runCli(SUBMIT, { cwd, env });
    const other = { ...env, ANTHROPIC_API_KEY: 'sk-emu-elsewhere' };
    expect(await runCli(['watch'], { cwd, env: other })).toMatchObject({ code: 4 });
  });

  test('has nothing to do where nothing is pending, and makes no state where there is none', async () => {
    const empty = makeTempDir();
    const nothing = await runCli(['watch'], { cwd: empty });
    expect(nothing).toMatchObject({ code: 0, stdout: '' });
    expect(nothing.stderr).toContain('no job was ever built');
    const { cwd, env } = await pending(1, '0.1');
    await runCli(['retrieve', 'latest', '--wait'], { cwd, env });
    expect(await runCli(['watch'], { cwd, env })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'nothing is pending\n',
    });
    expect(await runCli(['watch', 'no-such-job'], { cwd, env })).toMatchObject({ code: 2 });
  });

  test('ends quietly when its reader goes', async () => {
    const { cwd, env } = await pending(1, '600');
    const watching = startCli(['watch', '--json', '--interval', '100ms'], { cwd, env });
    await watching.waitFor('in_progress');
    watching.child.stdout.destroy();
    expect(await watching.finished).toMatchObject({ code: 0, stderr: '' });
  });
});
