// Run by retrieve-crash.test.ts as a process of its own: retrieves the job in the folder it is given, from streams in files.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { isKnownError } from '../../src/core/errors.ts';
import type { BatchProvider } from '../../src/core/ports/provider.ts';
import { retrieveJob } from '../../src/steps/retrieve-results.ts';
import { reopen } from './results-fixture.ts';

const root = process.argv[2] ?? '';
const streams = process.argv[3] ?? root;
const { run } = await reopen(root);
const provider: BatchProvider = {
  ...run.deps.provider,
  openResults: async (batch) => ({
    bytes: createReadStream(join(streams, `${batch.id}.stream`), { highWaterMark: 4096 }),
    startsAt: 0,
    etag: null,
  }),
};
process.stdout.write('started\n');
const begun = performance.now();
try {
  const { state } = await retrieveJob(
    { ...run, deps: { ...run.deps, provider } },
    new AbortController().signal,
  );
  process.stdout.write(`${JSON.stringify({ state, ms: performance.now() - begun })}\n`);
} catch (error) {
  if (!isKnownError(error)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message, next: error.next })}\n`);
  process.exitCode = 6;
}
