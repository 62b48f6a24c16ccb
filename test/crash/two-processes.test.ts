import { describe, expect, it } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

describe('two processes at once', () => {
  it('on one job: one works, the other names it and leaves with 6', async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 20);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '4']);
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const first = startCli(['submit', '--use-batch', '--emulator', '--interval', '200ms'], { cwd: dir, env });
    await first.waitFor('in progress');
    const second = await runCli(['resume', 'latest'], { cwd: dir, env });
    expect(second.code).toBe(6);
    expect(second.stderr).toContain(String(first.child.pid));
    const third = await runCli(['submit', '--use-batch', '--emulator'], { cwd: dir, env });
    expect(third.code).toBe(6);
    expect((await first.finished).code).toBe(0);
    expect((await emulator.truth()).batches).toHaveLength(1);
    await emulator.stop();
  });

  it('that submit the same content together make one job and one batch a shard', async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 20);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '2']);
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const args = ['submit', '--use-batch', '--emulator', '--interval', '200ms'];
    const both = await Promise.all([runCli(args, { cwd: dir, env }), runCli(args, { cwd: dir, env })]);
    expect(both.map((one) => one.code).sort()).toEqual([0, 6]);
    expect((await emulator.truth()).batches).toHaveLength(1);
    await emulator.stop();
  });

  it('on two jobs of one workspace seal one after the other', async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 20);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
    await emulator.setFaults(['create-slow=1@2']);
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const submit = (name: string, size: number) =>
      runCli(
        [
          'submit',
          '--use-batch',
          '--emulator',
          '--set',
          `name=${name}`,
          '--set',
          `max_tokens=${size}`,
          '--interval',
          '200ms',
        ],
        { cwd: dir, env },
      );
    const both = await Promise.all([submit('one', 300), submit('two', 400)]);
    expect(both.map((one) => one.code)).toEqual([0, 0]);
    expect((await emulator.truth()).batches).toHaveLength(2);
    await emulator.stop();
  });
});

describe('Ctrl-C', () => {
  it('while a batch is in progress says that it goes on, leaves with 130, and resume finishes', async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 20);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '3']);
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const running = startCli(['submit', '--use-batch', '--emulator', '--interval', '200ms'], {
      cwd: dir,
      env,
    });
    await running.waitFor('in progress');
    running.child.kill('SIGINT');
    const stopped = await running.finished;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/batchctl resume/);
    expect(stopped.stderr).toMatch(/batchctl cancel/);
    expect((await runCli(['resume', '--interval', '200ms'], { cwd: dir, env })).code).toBe(0);
    expect((await emulator.truth()).batches).toHaveLength(1);
    await emulator.stop();
  });

  it('during the upload sends nothing', async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 20);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
    await emulator.setFaults(['list-500@100']);
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const running = startCli(['submit', '--use-batch', '--emulator'], { cwd: dir, env });
    await running.waitFor('built');
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(143);
    expect((await emulator.truth()).batches).toHaveLength(0);
    await emulator.stop();
  });
});
