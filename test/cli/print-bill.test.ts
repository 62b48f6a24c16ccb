import { afterEach, expect, test } from 'vitest';
import { formatJob } from '../../src/cli/print-job.ts';
import { jobDocument } from '../../src/core/job-document.ts';
import { retrieveJob } from '../../src/steps/retrieve-results.ts';
import {
  type Fixture,
  type FixtureOptions,
  makeFixture,
  notFound,
  resultLine,
} from '../steps/results-fixture.ts';

const opened: Fixture[] = [];
afterEach(() => {
  for (const fixture of opened.splice(0)) fixture.close();
});

/** The line on the cost of a job that has these answers, one a shard. */
async function costLine(
  answers: readonly { readonly model?: string; readonly usage: object | null }[],
  options: FixtureOptions = {},
): Promise<string | undefined> {
  const fixture = await makeFixture({ shards: answers.map(() => 1), ...options });
  opened.push(fixture);
  const streams = answers.map(({ model = 'claude-opus-5-5', usage }, index) => {
    const message = { model, content: [], stop_reason: 'end_turn', usage };
    const seq = index + 1;
    return [`${resultLine(seq, { shard: seq, result: { type: 'succeeded', message } })}\n`];
  });
  fixture.answer(...streams, notFound());
  await retrieveJob(fixture.run, new AbortController().signal);
  const { store, job } = fixture;
  const document = jobDocument(await store.jobById(job.id), await store.shards(job.id), null);
  const lines = (await formatJob(document, { store })).split('\n');
  return lines.find((line) => line.startsWith('cost'))?.replace(job.jobId, 'ID');
}

/** Opus 5.5 in a batch: 2 in, 10 out. */
const USED = { input_tokens: 100_000, output_tokens: 50_000, service_tier: 'batch' };

test.each<[string, Parameters<typeof costLine>, string | undefined]>([
  // 0.20 + 0.50 each
  [
    'what was saved by batches',
    [[{ usage: USED }, { usage: USED }]],
    'cost      $1.40 ($2.80 in real time: $1.40 saved)',
  ],
  ['nothing saved', [[{ usage: { ...USED, service_tier: 'standard' } }]], 'cost      $1.40'],
  ['that it is not all yet', [[{ usage: USED }, { usage: USED }], { open: [2] }], 'cost      $0.7000 so far'],
  ['nothing where there was no answer', [[{ usage: { output_tokens: 0 } }]], undefined],
])('a job says %s', async (_title, [answers, options], expected) => {
  expect(await costLine(answers, options)).toBe(expected);
});

test('a job without a price for one of its answers says so, and where to look', async () => {
  expect(await costLine([{ usage: USED }, { usage: null }])).toBe(
    'cost      unknown: batchctl cost ID says of what',
  );
});
