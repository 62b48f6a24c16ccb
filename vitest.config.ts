import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { CANARY_KEY, NOWHERE } from './test/support/canary.ts';

/** Minutes each, the longest first: one that begins last is waited for with idle cores. */
const SLOWEST = [
  'test/sim/',
  'test/crash/syscalls',
  'test/faults/create',
  'test/steps/retrieve-crash',
  'test/faults/',
];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = SLOWEST.findIndex((part) => moduleId.includes(part));
      return rank === -1 ? SLOWEST.length : rank;
    };
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts', 'test/support/suite-folder.ts'],
    env: { ANTHROPIC_API_KEY: CANARY_KEY, ANTHROPIC_BASE_URL: NOWHERE },
    // More than the two cores of CI: two fifths of the time tests wait, for batches and settle times (1.2 cores were busy).
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
