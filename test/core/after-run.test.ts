import { describe, expect, test } from 'vitest';
import {
  checkAfterRun,
  jobFacts,
  jobVariable,
  readAfterRun,
  renderAfterRun,
} from '../../src/core/after-run.ts';
import { checkJobFile } from '../../src/core/job-file-check.ts';

const JOB = {
  job_id: 'notes-20260301-181200',
  name: 'notes',
  state: 'done',
  mode: 'batch',
  requests: 5,
  succeeded: 4,
  errored: 1,
  canceled: 0,
  expired: 0,
  missing: 0,
  held: 0,
  failures: { api_error: 1, truncated: 1 },
  usage: { input_tokens: 1, output_tokens: 2, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  cost_microusd: 1_250_000,
  batches: [],
  output_dir: 'batch_results/notes-20260301-181200',
} as const;

describe('a text that runs over {{job}}', () => {
  test.each([
    ['{{job.id}} {{job.state}}', 'notes-20260301-181200 done'],
    ['{{job.job_id}} of {{job.name}}', 'notes-20260301-181200 of notes'],
    ['{{job.succeeded}} of {{job.requests}}, {{job.failed}} no good', '4 of 5, 2 no good'],
    ['{{job.canceled}}', '0'],
    ['{{job.failures.truncated}}', '1'],
    ['{{job.usage.output_tokens}} in {{job.output_dir}}', '2 in batch_results/notes-20260301-181200'],
    ['{{job.cost_microusd}}', '1250000'],
    ['{% if job.failed > 0 %}bad{% else %}good{% endif %}', 'bad'],
    ['100% plain', '100% plain'],
  ])('%s becomes %s', (text, rendered) => {
    expect(renderAfterRun(text, 'on_end.0', { job: jobVariable(JOB) })).toBe(rendered);
  });

  test('the environment of the command says the same', () => {
    expect(jobFacts(JOB)).toEqual({
      BATCHCTL_JOB_ID: 'notes-20260301-181200',
      BATCHCTL_JOB_NAME: 'notes',
      BATCHCTL_JOB_STATE: 'done',
      BATCHCTL_REQUESTS: '5',
      BATCHCTL_SUCCEEDED: '4',
      BATCHCTL_FAILED: '2',
    });
  });
});

describe('what would fail at the end of a job is said before it begins', () => {
  test.each([
    [{ on_end: ['say', '{{job.stat}}'] }, ['on_end', 1]],
    [{ on_end: ['say', '{{thing}}'] }, ['on_end', 1]],
    [{ on_end: ['{{ job.id'] }, ['on_end', 0]],
    [{ git: { commit: '{{job.succeded}} reports' } }, ['git', 'commit']],
    [{ git: { commit: 'Write {{output}}' } }, ['git', 'commit']],
    [{ git: { commit: 'Write {{file}}', per: 'output' } }, ['git', 'commit']],
  ])('%j', (file, path) => {
    expect(checkAfterRun(file)).toEqual([{ path, problem: expect.stringContaining(path.join('.')) }]);
  });

  test.each([
    [{ on_end: ['say', '{{job.id}} {{job.state}} {{job.failed}} {{job.batches}} {{job.output_dir}}'] }],
    [{ git: { commit: 'Write {{output}} of {{stage}} {{custom_id}} for {{job.name}}', per: 'output' } }],
    [{}],
  ])('%j is fine', (file) => {
    expect(checkAfterRun(file)).toEqual([]);
  });

  test('the check of a job file knows of it', () => {
    const input = {
      name: 'a',
      model: 'm',
      max_tokens: 1,
      source: { csv: 'a.csv' },
      prompt: 'p',
      on_end: ['{{x}}'],
    };
    const checked = checkJobFile(input, { path: 'a.job.yaml', dir: '' });
    expect(checked).toMatchObject({ ok: false, problems: [{ path: ['on_end', 0] }] });
  });
});

test('only what was done since the job became final counts', () => {
  const event = (kind: string, detail: object) => ({ kind, detailJson: JSON.stringify(detail) });
  const events = [
    event('after_run_part', { final_at: 'first', part: 'on_end' }),
    event('after_run', { final_at: 'first' }),
    event('after_run_part', { final_at: 'second', part: 'git' }),
    event('job_finished', { final_at: 'second' }),
    { kind: 'job_built', detailJson: null },
  ];
  expect(readAfterRun(events, 'second')).toEqual([{ final_at: 'second', part: 'git' }]);
});
