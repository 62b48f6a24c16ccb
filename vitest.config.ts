import { defineConfig } from 'vitest/config';
import { CANARY_KEY, NOWHERE } from './test/support/canary.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts', 'test/support/suite-folder.ts'],
    env: { ANTHROPIC_API_KEY: CANARY_KEY, ANTHROPIC_BASE_URL: NOWHERE },
    // Children of the built program are started by many tests at once: two workers on two cores.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
