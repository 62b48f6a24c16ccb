import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator'];
const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
const slow = { BATCHCTL_EMULATOR_BATCH_SECONDS: '600' };

/** Writes down what it was given, talks on both of its streams, and leaves with its first argument. */
const ENDED = `
const { appendFileSync, readFileSync } = require('node:fs');
const [code, ...args] = process.argv.slice(2);
const { BATCHCTL_JOB_ID: id, BATCHCTL_JOB_STATE: state, BATCHCTL_RESULTS_DIR: results } = process.env;
const document = JSON.parse(readFileSync(0, 'utf8'));
appendFileSync('ended.jsonl', JSON.stringify({ args, id, state, results, document }) + '\\n');
console.log('on its stdout');
console.error('on its stderr');
process.exitCode = Number(code);
`;

function makeJob(end: string, exitCode = 0): string {
  return makeTempDir({
    'notes.job.yaml': `name: notes
model: claude-haiku-5-5
max_tokens: 400
source: { csv: data.csv }
prompt: "Say something about {{ thing }}."
output: "reports/{{ id }}.md"
${end === '' ? `on_end: [${JSON.stringify(process.execPath)}, ended.cjs, "${exitCode}", "{{job.id}} {{job.state}}"]` : end}
`,
    'data.csv': 'id,thing\na,stone\nb,water\nc,wind\n',
    'ended.cjs': ENDED,
  });
}

const endedOf = (cwd: string): Record<string, unknown>[] =>
  existsSync(join(cwd, 'ended.jsonl'))
    ? readFileSync(join(cwd, 'ended.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];

/** For --import: the program is killed when it is about to start another one, as if the machine had gone down. */
function makeKiller(): string {
  const dir = makeTempDir({
    'kill.mjs': `import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
childProcess.spawn = () => process.kill(process.pid, 'SIGKILL');
syncBuiltinESMExports();
`,
  });
  return pathToFileURL(join(dir, 'kill.mjs')).href;
}

describe('on_end', () => {
  test('runs once the job is final, with its facts, and talks on stderr', async () => {
    const cwd = makeJob('');
    const { code, stdout, stderr } = await runCli([...SUBMIT, '--json'], { cwd, env: quick });
    const document = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(stderr).toBe('on its stdout\non its stderr\n');
    expect(endedOf(cwd)).toEqual([
      {
        args: [`${document.job_id} done`],
        id: document.job_id,
        state: 'done',
        results: join(cwd, document.output_dir),
        document,
      },
    ]);
  });

  test('that fails warns with its exit code, and the command still leaves with 0', async () => {
    const cwd = makeJob('', 9);
    const { code, stdout, stderr } = await runCli([...SUBMIT, '--json'], { cwd, env: quick });
    expect({ code, state: JSON.parse(stdout).state }).toEqual({ code: 0, state: 'done' });
    expect(stderr).toContain('left with exit code 9');
  });

  test('does not run while batches are pending, and not again for a job that had it', async () => {
    const cwd = makeJob('');
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: slow });
    await runCli(['retrieve', 'latest'], { cwd, env: slow });
    expect(endedOf(cwd)).toEqual([]);
    await runCli(['cancel', 'latest'], { cwd, env: slow });
    for (const command of ['retrieve', 'retrieve', 'resume']) {
      await runCli([command, 'latest', ...(command === 'retrieve' ? ['--wait'] : [])], { cwd, env: slow });
    }
    await runCli(['resume'], { cwd, env: slow });
    expect(endedOf(cwd).map((one) => one['state'])).toEqual(['canceled']);
  });

  test('runs for a job that was canceled before anything of it was sent', async () => {
    const cwd = makeJob('');
    await runCli(['build', '--emulator'], { cwd });
    expect(await runCli(['cancel', 'latest'], { cwd })).toMatchObject({ code: 0 });
    expect(endedOf(cwd).map((one) => one['state'])).toEqual(['canceled']);
  });

  test.each([
    ['retrieve of the job', ['retrieve', 'latest']],
    ['resume of the job', ['resume', 'latest']],
    ['resume of all jobs', ['resume']],
    ['submit of the job', ['submit', 'latest', '--use-batch']],
  ])('of a run that was killed before it is run by %s, once', async (_name, command) => {
    const cwd = makeJob('');
    const killed = await runCli(SUBMIT, { cwd, env: quick, nodeArgs: ['--import', makeKiller()] });
    expect(killed.signal).toBe('SIGKILL');
    expect(endedOf(cwd)).toEqual([]);
    const status = JSON.parse((await runCli(['status', '--json'], { cwd })).stdout);
    expect(status.state).toBe('done');
    for (const _ of [1, 2]) expect(await runCli(command, { cwd })).toMatchObject({ code: 0 });
    expect(endedOf(cwd)).toHaveLength(1);
  });

  test('runs again when a retry has made the job final again', async () => {
    const cwd = makeJob('');
    await runCli(SUBMIT, { cwd, env: { ...quick, BATCHCTL_EMULATOR_FAULTS: 'rows-errored=1' } });
    expect(await runCli(['retry', 'latest'], { cwd, env: quick })).toMatchObject({ code: 0 });
    const failures = endedOf(cwd).map(({ document }) => (document as { failures: object }).failures);
    expect(failures).toEqual([{ api_error: 3 }, {}]);
  });

  test('runs once where the batches are canceled so that real time does the rest', async () => {
    const cwd = makeJob('');
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: slow });
    const { code } = await runCli(['submit', 'latest', '--rest-in-real-time'], { cwd, env: slow });
    expect(code).toBe(0);
    expect(endedOf(cwd).map((one) => one['state'])).toEqual(['done']);
  });

  test('is as the job was built, whatever the job file says by then', async () => {
    const cwd = makeJob('');
    await runCli([...SUBMIT, '--submit-only'], { cwd, env: quick });
    const path = join(cwd, 'notes.job.yaml');
    execFileSync(process.execPath, ['-e', `require('fs').writeFileSync(process.argv[1], 'broken: [')`, path]);
    expect(await runCli(['retrieve', 'latest', '--wait'], { cwd, env: quick })).toMatchObject({ code: 0 });
    expect(endedOf(cwd)).toHaveLength(1);
  });

  test('that cannot be rendered is refused before anything is sent', async () => {
    const cwd = makeJob('on_end: [say, "{{job.stat}}"]');
    const { code, stderr } = await runCli(SUBMIT, { cwd, env: quick });
    expect(code).toBe(2);
    expect(stderr).toContain('on_end');
    expect(existsSync(join(cwd, '.batchctl/state.db'))).toBe(false);
  });
});

test('git commits the outputs that were written, and leaves the rest alone', async () => {
  const cwd = makeJob('git: { commit: "{{job.succeeded}} notes" }');
  const env = {
    ...quick,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@example.com',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@example.com',
  };
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd, env: { ...process.env, ...env }, encoding: 'utf8' }).trim();
  git('init', '-q');
  git('add', 'data.csv');
  const { code, stderr } = await runCli(SUBMIT, { cwd, env });
  expect({ code, stderr: stderr.includes('git: committed 3 outputs as ') }).toEqual({
    code: 0,
    stderr: true,
  });
  expect(git('log', '--format=%s', '--name-only').split('\n')).toEqual([
    '3 notes',
    '',
    'reports/a.md',
    'reports/b.md',
    'reports/c.md',
  ]);
  expect(git('status', '--porcelain')).toContain('A  data.csv');
});

describe('--notify', () => {
  async function serve(): Promise<{ readonly url: string; readonly bodies: string[] }> {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      bodies.push(body);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo; // listening on TCP
    return { url: `http://127.0.0.1:${port}/hook`, bodies };
  }

  test('posts what --json prints, once for a final job', async () => {
    const { url, bodies } = await serve();
    const cwd = makeJob('');
    const submitted = await runCli([...SUBMIT, '--json', '--notify', url], { cwd, env: quick });
    expect(bodies).toHaveLength(1);
    await runCli(['retrieve', 'latest', '--notify', url], { cwd });
    expect(bodies.map((body) => JSON.parse(body))).toEqual([JSON.parse(submitted.stdout)]);
  });

  test('that nobody takes is a warning', async () => {
    const cwd = makeJob('');
    const submitted = await runCli([...SUBMIT, '--json'], { cwd, env: quick });
    const retrieved = await runCli(['retrieve', 'latest', '--notify', 'http://127.0.0.1:9/x', '--json'], {
      cwd,
    });
    expect({ code: retrieved.code, stdout: retrieved.stdout }).toEqual({ code: 0, stdout: submitted.stdout });
    expect(JSON.parse(retrieved.stderr)).toMatchObject({
      warning: { message: expect.stringContaining('127.0.0.1:9 was not notified') },
    });
  });

  test.each(['ftp://example.com/', 'not a url', 'https://me:secret@example.com/'])(
    '%s is refused',
    async (url) => {
      const { code, stderr } = await runCli([...SUBMIT, '--notify', url], { cwd: makeJob('') });
      expect(code).toBe(2);
      expect(stderr).toContain('--notify');
    },
  );
});
