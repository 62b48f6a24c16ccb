import { expect, test } from 'vitest';
import { requireProgress } from '../../src/steps/require-progress.ts';
import type { Run } from '../../src/steps/run.ts';
import type { Submitting } from '../../src/steps/submit-shards.ts';

const HELD = { heldBy: 'other' } as Submitting; // nothing else of it is read

test('that a shard waits for the doubt of another job is said once a holder, and refused where nobody is at it', () => {
  const said: string[] = [];
  let holder: string | null = 'process 1';
  // It reads no more of a run.
  const run = {
    job: { jobId: 'own' },
    deps: {
      locks: { jobHolder: () => holder },
      report: (progress: { readonly text: string }) => said.push(progress.text),
    },
  } as unknown as Run;
  for (let round = 0; round < 3; round += 1) requireProgress(run, [], HELD);
  holder = 'process 2';
  requireProgress(run, [], HELD);
  expect(said).toEqual([
    expect.stringContaining('job other (process 1) has a shard of the same size in doubt'),
    expect.stringContaining('(process 2)'),
  ]);
  holder = null;
  expect(() => requireProgress(run, [], HELD)).toThrow(
    expect.objectContaining({ code: 'same_count_in_doubt' }),
  );
});
