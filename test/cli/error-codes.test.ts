import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

interface Mistake {
  readonly claim: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly exit: number;
  readonly code: string;
}

const SUBMIT = ['submit', 'bad.job.yaml', '--use-batch', '--yes'];

const MISTAKES: readonly Mistake[] = [
  {
    claim: 'an example that there is not',
    args: ['init', '--example', 'nope'],
    exit: 2,
    code: 'example_not_found',
  },
  {
    claim: 'data of a kind that init does not know',
    args: ['init', 'x', '--from', 'notes.odt'],
    exit: 2,
    code: 'unknown_kind',
  },
  {
    claim: 'a request that the job does not have',
    args: ['show', 'latest', 'nope'],
    exit: 2,
    code: 'request_not_found',
  },
  {
    claim: 'a retry of a job that was not submitted',
    args: ['retry', 'latest'],
    exit: 2,
    code: 'job_not_submitted',
  },
  {
    claim: 'a folder as the file of an export',
    args: ['export', 'latest', '--format', 'csv', '-o', 'sub'],
    exit: 2,
    code: 'not_a_file',
  },
  {
    claim: 'an export over the data of the job',
    args: ['export', 'latest', '--format', 'csv', '-o', 'data.csv'],
    exit: 2,
    code: 'target_in_use',
  },
  {
    claim: 'an export into a folder that there is not',
    args: ['export', 'latest', '--format', 'csv', '-o', 'none/x.csv'],
    exit: 2,
    code: 'not_a_folder',
  },
  {
    claim: 'a key with a line break',
    args: SUBMIT,
    env: { ANTHROPIC_API_KEY: 'sk\nx' },
    exit: 4,
    code: 'key_malformed',
  },
  {
    claim: 'a base URL that is no safe address of the web',
    args: SUBMIT,
    env: { ANTHROPIC_API_KEY: 'sk-x', ANTHROPIC_BASE_URL: 'ftp://example.com' },
    exit: 2,
    code: 'base_url_refused',
  },
  { claim: 'a plan of one of several jobs', args: ['plan'], exit: 2, code: 'several_job_files' },
  {
    claim: 'a plan where there is no job',
    args: ['-C', 'sub/deep', 'plan'],
    exit: 2,
    code: 'job_file_not_found',
  },
];

test('what a user mistypes has a code of its own, and sends nothing', { timeout: 120_000 }, async () => {
  const job =
    'source: {csv: data.csv}\nmodel: claude-sonnet-5-5\nmax_tokens: 500\nprompt: "Write about {{ name }}."\n';
  const cwd = makeTempDir({
    'data.csv': 'name\nAda\n',
    'notes.odt': 'x',
    'bad.job.yaml': job,
    'other.job.yaml': job,
  });
  mkdirSync(join(cwd, 'sub/deep/.batchctl'), { recursive: true });
  expect((await runCli(['build', 'bad.job.yaml'], { cwd })).code).toBe(0);
  for (const { claim, args, env = {}, exit, code } of MISTAKES) {
    const finished = await runCli([...args, '--json'], { cwd, env });
    expect([claim, finished.code, finished.stderr]).toEqual([
      claim,
      exit,
      expect.stringContaining(`"code":"${code}"`),
    ]);
  }
});
