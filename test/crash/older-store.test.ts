import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyWorkspace, DATABASE, makeWorld, putBack, type World } from '../support/workspace-copy.ts';
import { build, FAST, sendUnanswered } from './older-store-bench.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--max-shard-requests', '10'];

interface Stopped {
  readonly code: string;
  readonly why: string;
  readonly next: string;
}

/** Runs the command, which must stop for a decision without a single POST; returns what it said. */
async function stopped(world: World, args: readonly string[], dir = world.dir): Promise<Stopped> {
  const before = (await world.truth()).posts.length;
  const finished = await world.run([...args, '--json'], dir);
  expect(finished.code, finished.stderr).toBe(7);
  expect((await world.truth()).posts).toHaveLength(before);
  const line = finished.stderr.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line).error;
}

async function finishes(world: World, args: readonly string[], dir = world.dir): Promise<void> {
  const finished = await world.run(args, dir);
  expect(finished.code, finished.stderr).toBe(0);
  const verified = await world.run(['verify', 'latest'], dir);
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
}

/** A job of three shards, and a copy of its workspace as it was when it was only built. */
async function sentSince(world: World): Promise<{ readonly copy: string; readonly jobId: string }> {
  const jobId = await build(world, '--max-shard-requests', '10');
  const copy = copyWorkspace(world.dir);
  const sent = await world.run(['submit', jobId, '--use-batch', '--emulator', '--submit-only']);
  expect(sent.code, sent.stderr).toBe(0);
  return { copy, jobId };
}

describe('a database that was put back', () => {
  it.each([
    { what: 'alone', parts: DATABASE },
    { what: 'with its receipts and all of its folder', parts: ['.batchctl'] },
  ])(
    '$what is noticed before anything is sent, and the user’s word takes in what it had forgotten',
    async ({ parts }) => {
      const world = await makeWorld(25);
      const { copy, jobId } = await sentSince(world);
      putBack(copy, world.dir, parts);
      const submit = ['submit', jobId, '--use-batch', '--emulator', ...FAST];
      const told = await stopped(world, submit);
      expect(told.code).toBe('store_older');
      expect(told.next).toContain(`resume ${jobId} --accept-store`);
      await stopped(world, submit);
      // To the copy the job was never submitted: a resume of all that is unfinished would say that nothing is.
      expect(await stopped(world, ['resume', ...FAST])).toMatchObject({
        code: 'store_older',
        next: told.next,
      });
      await finishes(world, ['resume', jobId, '--accept-store', '--emulator', ...FAST]);
      expect(await world.paid()).toBe(25);
    },
  );

  it('has one way out whoever is asked, and the rebuild that it names leaves nothing in doubt', async () => {
    const world = await makeWorld(25);
    const { copy, jobId } = await sentSince(world);
    putBack(copy, world.dir, DATABASE);
    const told = await stopped(world, ['submit', jobId, '--use-batch', '--emulator', ...FAST]);
    const doctor = await world.run(['doctor', '--emulator', '--json']);
    expect(doctor.code, doctor.stderr).toBe(7);
    const checks: readonly { code: string | null; next: string | null }[] = JSON.parse(doctor.stdout).checks;
    const found = checks.filter(({ code }) => code?.startsWith('store_'));
    expect(found.map(({ code }) => code)).toEqual(['store_older', 'store_older_than_receipts']);
    for (const { next } of found) expect(next).toBe(told.next);
    // It is no sound database, so nobody has to say yes.
    const rebuilt = await world.run(['doctor', '--rebuild', '--emulator']);
    expect(rebuilt.code, rebuilt.stderr).toBe(0);
    const status = await world.run(['status', jobId, '--json']);
    expect(JSON.parse(status.stdout).state).not.toBe('in_doubt');
    await finishes(world, ['submit', jobId, '--use-batch', '--emulator', ...FAST]);
    expect(await world.paid()).toBe(25);
  });

  it('from before the job was built is noticed by a submission of the same records', async () => {
    const world = await makeWorld(25);
    await build(world, '--set', 'max_tokens=100');
    const copy = copyWorkspace(world.dir);
    const sent = await world.run([...SUBMIT, '--submit-only']);
    expect(sent.code, sent.stderr).toBe(0);
    putBack(copy, world.dir, ['.batchctl']);
    const told = await stopped(world, [...SUBMIT, ...FAST]);
    expect(told.code).toBe('store_older');
    expect(told.why).toContain('does not know');
    expect(await world.paid()).toBe(25);
  });

  it('after a seal without an answer, which no receipt tells of, is noticed too', async () => {
    const world = await makeWorld(8);
    const jobId = await build(world);
    const copy = copyWorkspace(world.dir);
    await sendUnanswered(world, jobId);
    rmSync(join(world.dir, '.batchctl/receipts.jsonl'), { force: true });
    putBack(copy, world.dir, DATABASE);
    const told = await stopped(world, ['submit', jobId, '--use-batch', '--emulator', ...FAST]);
    expect(told.code).toBe('store_older');
    await finishes(world, ['resume', jobId, '--accept-store', '--emulator', ...FAST]);
    expect(await world.paid()).toBe(8);
  });

  it('or thrown away altogether is noticed before anything is built anew', async () => {
    const world = await makeWorld(25);
    const sent = await world.run([...SUBMIT, '--submit-only']);
    expect(sent.code, sent.stderr).toBe(0);
    rmSync(join(world.dir, '.batchctl'), { recursive: true });
    for (const other of [[], ['--set', 'max_tokens=100']]) {
      const refused = await world.run([...SUBMIT, ...FAST, ...other, '--json']);
      expect([refused.code, JSON.parse(refused.stderr).error.code]).toEqual([6, 'store_gone']);
    }
    expect(await world.paid()).toBe(25);
  });
});

describe('a copy of the whole workspace', () => {
  it('learns from the results of ended batches that its shards were sent, and takes them in', async () => {
    const world = await makeWorld(25);
    const { copy, jobId } = await sentSince(world);
    await finishes(world, ['resume', jobId, ...FAST]);
    const submit = ['submit', jobId, '--use-batch', '--emulator', ...FAST];
    expect((await stopped(world, submit, copy)).code).toBe('sent_elsewhere');
    await finishes(world, ['resume', jobId, '--accept-store', '--emulator', ...FAST], copy);
    expect(await world.paid()).toBe(25);
  });

  it('stops at batches of its counts that have not ended, until the user says whose they are', async () => {
    const world = await makeWorld(8, { batchSeconds: 3_600 });
    const { copy, jobId } = await sentSince(world);
    const submit = ['submit', jobId, '--use-batch', '--emulator', '--submit-only', ...FAST];
    const told = await stopped(world, submit, copy);
    expect(told.code).toBe('store_copied');
    const [batch] = (await world.truth()).batches;
    expect(told.why).toContain(batch?.id);
    const adopted = ['resume', jobId, '--adopt', batch?.id ?? '', '--once', '--settle', '2s'];
    const finished = await world.run(adopted, copy);
    expect(finished.code, finished.stderr).toBe(8);
    expect(await world.paid()).toBe(8);
  });

  it('goes on once the user says that none of the batches is its own', async () => {
    const world = await makeWorld(8, { batchSeconds: 3_600 });
    const { copy, jobId } = await sentSince(world);
    const accepted = ['resume', jobId, '--accept-store', '--emulator', '--once', '--settle', '2s'];
    const finished = await world.run(accepted, copy);
    expect(finished.code, finished.stderr).toBe(8);
    // The word was wrong, and it was the user's.
    expect(await world.paid()).toBe(16);
  });

  it('does not stop a submission because a colleague has a batch of the same count', async () => {
    const world = await makeWorld(8);
    await world.setFaults('colleague=1');
    await finishes(world, [...SUBMIT, ...FAST]);
    expect(await world.paid()).toBe(8);
  });
});
