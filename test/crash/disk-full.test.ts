import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { barred, canMount, onSmallDisk, writeJob } from './small-disk.ts';

if (canMount) describe('a full disk', onDisk);
else describe('a full disk', barred);

function onDisk(): void {
  it('while building leaves with 6, sends nothing, and the build succeeds once there is room', async () => {
    const root = makeTempDir();
    const dir = join(root, 'job');
    writeJob(dir, 300, 5_000);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
    const { stdout, stderr } = onSmallDisk(dir, '2500k', emulator.url, [
      'bc submit --use-batch --emulator; echo "first $?"',
      `mount -o remount,size=30m ${join(root, 'disk')}`,
      'bc submit --use-batch --emulator --interval 200ms; echo "second $?"',
      'bc verify latest; echo "verify $?"',
    ]);
    expect(stdout, stderr).toContain('first 6');
    expect(stdout, stderr).toContain('second 0');
    expect(stdout, stderr).toContain('verify 0');
    expect((await emulator.truth()).batches).toHaveLength(1);
    await emulator.stop();
  });

  it('while results arrive leaves with 6, and retrieve goes on once there is room', async () => {
    const root = makeTempDir();
    const dir = join(root, 'job');
    writeJob(dir, 300, 1_000);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
    const { stdout, stderr } = onSmallDisk(dir, '30m', emulator.url, [
      'bc submit --use-batch --emulator --submit-only; echo "submit $?"',
      `dd if=/dev/zero of=ballast bs=1k count=40000 2>/dev/null; truncate -s -300k ballast`,
      'sleep 2; bc retrieve latest; echo "first $?"',
      'rm ballast',
      'bc retrieve latest; echo "second $?"',
      'bc verify latest; echo "verify $?"',
    ]);
    expect(stderr).toMatch(/the API keeps the results of msgbatch_\w+ until 20\d\d-\d\d-\d\d/);
    expect(stdout, stderr).toContain('first 6');
    expect(stdout, stderr).toContain('second 0');
    expect(stdout, stderr).toContain('verify 0');
    expect((await emulator.truth()).batches).toHaveLength(1);
    await emulator.stop();
  });

  it('at any size while submitting never leads to a second batch', async () => {
    const root = makeTempDir();
    const dir = join(root, 'job');
    writeJob(dir, 60, 1_000);
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
    const lines = ['bc build; echo "build $?"'];
    for (const freeKb of [0, 4, 8, 16, 32, 48, 64, 96]) {
      lines.push(
        'dd if=/dev/zero of=ballast bs=1k count=40000 2>/dev/null',
        `truncate -s -${freeKb}k ballast`,
        'bc submit latest --use-batch --emulator --submit-only; echo "submit $?"',
        'rm ballast',
      );
    }
    lines.push(
      'bc resume --settle 2s --interval 200ms; echo "resume $?"',
      'bc verify latest; echo "verify $?"',
    );
    const { stdout, stderr } = onSmallDisk(dir, '20m', emulator.url, lines);
    expect(stdout, stderr).toContain('resume 0');
    expect(stdout, stderr).toContain('verify 0');
    expect((await emulator.truth()).batches).toHaveLength(1);
    await emulator.stop();
  }, 120_000);
}
