import { expect } from 'vitest';
import { jobIdOf, type World } from '../support/workspace-copy.ts';

/** The flags of every run that waits for something. */
export const FAST = ['--settle', '2s', '--interval', '100ms'];

/** The job's id. */
export async function build(world: World, ...flags: readonly string[]): Promise<string> {
  const built = await world.run(['build', '--emulator', ...flags]);
  expect(built.code, built.stderr).toBe(0);
  return jobIdOf(world.dir);
}

/** Sends a job whose answer is lost, so that no receipt tells of it. */
export async function sendUnanswered(world: World, jobId: string): Promise<void> {
  await world.setFaults('lost-reply@1');
  const posts = (await world.truth()).posts.length;
  const once = ['--submit-only', '--max-wait', '0s'];
  await world.run(['submit', jobId, '--use-batch', '--emulator', ...once, ...FAST]);
  expect((await world.truth()).posts).toHaveLength(posts + 1);
}
