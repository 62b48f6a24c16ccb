import { expect, onTestFinished, test } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

async function start() {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 20);
  const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '5']);
  onTestFinished(() => emulator.stop());
  const options = { cwd, env: { BATCHCTL_EMULATOR_URL: emulator.url } };
  const cli = (...args: string[]) => runCli(args, options);
  return { options, emulator, cli };
}

const REST = ['retry', 'latest', '--rest-in-real-time'];

test('--rest-in-real-time cancels nothing for a job that was only built, or a stage that is not there', async () => {
  const { cli } = await start();
  await cli('build', '--emulator');
  expect(await cli(...REST)).toMatchObject({ code: 2 });
  await cli('submit', 'latest', '--use-batch', '--submit-only', '--emulator');
  expect(await cli(...REST, '--stage', 'other')).toMatchObject({ code: 2 });
  const { stdout } = await cli('status', 'latest', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'in_progress',
    batches: [{ processing_status: 'in_progress' }],
  });
});

test('--rest-in-real-time leaves the batches alone of a job that another run is at work on', async () => {
  const { cli, options, emulator } = await start();
  const running = startCli(['submit', '--use-batch', '--emulator', '--interval', '300ms'], options);
  await running.waitFor('is batch msgbatch_');
  const { code, stderr } = await cli(...REST);
  expect({ code, stderr }).toMatchObject({ code: 6, stderr: expect.stringContaining('at work in another') });
  expect(await running.finished).toMatchObject({ code: 0 });
  expect((await emulator.truth()).messages).toEqual([]);
});
