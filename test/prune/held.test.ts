import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Built, buildJob } from '../../src/steps/build-requests.ts';
import type { LocalDeps } from '../../src/steps/deps.ts';
import { FAILPOINTS } from '../faults/failpoint.ts';
import { jobSpec } from '../support/job-spec.ts';
import { runCli } from '../support/run-cli.ts';
import { marker, writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const LIBRARY = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const PRUNE = ['--yes', 'prune', '--built', '--older-than', '0s', '--json'];

/** As a process does it that goes on with the job; `deps`: with what happens in the middle of it. */
async function buildHeld(bench: Workbench, deps: Partial<LocalDeps> = {}): Promise<Built> {
  const model = 'claude-haiku-5-5';
  const request = {
    kind: 'request' as const,
    seq: 1,
    customId: 'r1',
    originalId: null,
    record: { json: '{}' },
    group: null,
    stages: [
      {
        paramsJson: JSON.stringify({
          model,
          max_tokens: 9,
          messages: [{ role: 'user', content: marker('r1') }],
        }),
        outputPath: null,
      },
    ],
    at: { file: 'words.csv', line: 2 },
  };
  const items = (async function* () {
    yield [request];
  })();
  const input = { name: 'words', spec: jobSpec({ model, on: 'emulator' }), frozen: null, items, reuse: true };
  return buildJob(input, { ...bench.deps, ...deps }, new AbortController().signal);
}

async function prune(dir: string) {
  const { stdout, stderr } = await runCli(PRUNE, { cwd: dir });
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout);
}

test('a job is held from its build on, also one that is carried on, so that no prune takes it before it is sent', async () => {
  const bench = await makeWorkbench();
  const first = await buildHeld(bench);
  expect(await prune(bench.dir)).toMatchObject({ left: [{ job_id: first.job.jobId, reason: 'locked' }] });
  expect(await buildHeld(bench)).toMatchObject({ carriedOn: true, job: { id: first.job.id }, lock: null });
  first.lock?.release();
  const second = await buildHeld(bench);
  expect(second).toMatchObject({ carriedOn: true, job: { id: first.job.id } });
  expect(await prune(bench.dir)).toMatchObject({ left: [{ job_id: first.job.jobId, reason: 'locked' }] });
  second.lock?.release();
  expect(await prune(bench.dir)).toMatchObject({ left: [], jobs: [{ job_id: first.job.jobId }] });
});

test('a job that is pruned just before it would be carried on is built anew', async () => {
  const bench = await makeWorkbench();
  const first = await buildHeld(bench);
  const gone = first.job;
  first.lock?.release();
  const { store, locks } = bench.deps;
  const dropped: string[] = [];
  const { job, carriedOn, lock } = await buildHeld(bench, {
    store: new Proxy(store, {
      get: (target, name) =>
        name !== 'finishBuild'
          ? Reflect.get(target, name)
          : async (...args: Parameters<typeof store.finishBuild>) => {
              const twin = await target.finishBuild(...args);
              // Another process has its lock for just as long as that takes.
              if (twin !== null && dropped.length === 0) {
                dropped.push(twin.jobId);
                await store.dropJob(twin.id);
              }
              return twin;
            },
    }),
  });
  expect({ dropped, carriedOn }).toEqual({ dropped: [gone.jobId], carriedOn: false });
  expect((await store.jobById(job.id)).state).toBe('built');
  expect(locks.jobHolder(gone.jobId)).toBeNull();
  expect(locks.jobHolder(job.jobId)).not.toBeNull();
  lock?.release();
});

// The name of its holder is written beside a lock each time it is taken: a second time ends these.
const ONCE = {
  env: { FAILPOINT: String.raw`rename:/job-.*\.lock\.holder\.json$=kill@2` },
  nodeArgs: ['--import', FAILPOINTS],
};

test('submit takes the lock of the job that it builds once, and lets it go at its end', async () => {
  const dir = makeTempDir();
  writeSampleJob(dir, 2);
  const sent = await runCli(['submit', '--use-batch', '--submit-only', '--emulator'], { cwd: dir, ...ONCE });
  expect(sent, sent.stderr).toMatchObject({ code: 0, signal: null });
  expect(await prune(dir)).toMatchObject({ left: [{ reason: 'unfinished' }] });
});

test('runBatch takes the lock of the job that it builds once, and lets it go at its end', async () => {
  const dir = makeTempDir();
  const bin = join(dir, 'program.mjs');
  writeFileSync(
    bin,
    `import { runBatch, openWorkspace } from ${JSON.stringify(LIBRARY)};
    const workspace = await openWorkspace({ dir: ${JSON.stringify(dir)}, emulator: true });
    const options = { model: 'claude-haiku-5-5', maxTokens: 9, intervalMs: 100, maxWaitMs: 0 };
    await runBatch(workspace, ['one'], options).catch(({ code }) => console.log(code));
    await workspace.close();`,
  );
  const ran = await runCli([], { cwd: dir, bin, ...ONCE });
  expect(ran, ran.stderr).toMatchObject({ code: 0, signal: null, stdout: 'still_pending\n' });
  expect(await prune(dir)).toMatchObject({ left: [{ reason: 'unfinished' }] });
});
