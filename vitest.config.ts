import { defineConfig } from 'vitest/config';
import { CANARY_KEY, NOWHERE } from './test/support/canary.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts', 'test/support/suite-folder.ts'],
    env: { ANTHROPIC_API_KEY: CANARY_KEY, ANTHROPIC_BASE_URL: NOWHERE },
    // More than the two cores of CI: two fifths of the time tests wait, for batches and settle times (1.2 cores were busy).
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
