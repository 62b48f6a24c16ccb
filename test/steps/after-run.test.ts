import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPost } from '../../src/cli/post-summary.ts';
import type { Job } from '../../src/core/job.ts';
import type { GitCommit } from '../../src/core/job-file.ts';
import { frozenPath } from '../../src/core/ports/files.ts';
import { openGitRepository } from '../../src/files/git-repository.ts';
import { createCommandRunner } from '../../src/files/run-command.ts';
import { type AfterRunDeps, afterRun } from '../../src/steps/after-run.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { writeFile } from '../support/temp-dir.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const never = new AbortController().signal;

/** Whoever runs the tests has settings of their own, which must not decide them. */
const ENV: NodeJS.ProcessEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@example.com',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@example.com',
};

interface Bench extends Workbench {
  readonly job: Job;
  readonly after: AfterRunDeps;
  git(...args: readonly string[]): string;
  problems(): readonly string[];
  /** What the commands have written down, a line each. */
  log(): readonly string[];
}

/** A command that writes down `text` and leaves with `code`. */
const note = (text: string, code = 0): readonly string[] => [
  process.execPath,
  '-e',
  `require('node:fs').appendFileSync('log.txt', process.argv[1] + '\\n'); process.exit(${code})`,
  text,
];

/** A job that is final, in a repository of its own, and has not come to what follows. */
async function makeBench(
  wants: { readonly onEnd?: readonly string[]; readonly git?: GitCommit },
  options: { readonly fault?: string; readonly repository?: boolean; readonly records?: number } = {},
): Promise<Bench> {
  const bench = await makeWorkbench({ batchSeconds: 0.1 });
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, {
      cwd: bench.dir,
      env: ENV,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  if (options.repository !== false) {
    git('init', '-q', '-b', 'main');
    git('commit', '-q', '--allow-empty', '-m', 'first');
  }
  if (options.fault !== undefined) await bench.setFaults(options.fault);
  const { job } = await bench.run(await bench.build(options.records ?? 3));
  const frozen = { name: 'words', dir: '', stages: [], onEnd: wants.onEnd ?? null, git: wants.git ?? null };
  bench.deps.files.replace(frozenPath(bench.deps.files.requestsDir(job.jobId)), JSON.stringify(frozen), {
    private: false,
    durable: false,
  });
  const outside = {
    runCommand: createCommandRunner(bench.dir, ENV),
    git: openGitRepository(bench.dir, ENV),
    post: createPost('test'),
  };
  return {
    ...bench,
    job,
    git,
    // Waits between posts take no time.
    after: { ...bench.deps, clock: makeManualClock({ autoAdvance: true }), outside },
    problems: () => bench.told.flatMap((one) => (one.kind === 'problem' ? [one.text] : [])),
    log: () => {
      const path = join(bench.dir, 'log.txt');
      return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    },
  };
}

/** Answers with each status in turn, and with 200 from then on. */
async function serve(...statuses: readonly number[]) {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    bodies.push(body);
    response.writeHead(statuses[bodies.length - 1] ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo; // listening on TCP
  return { url: `http://127.0.0.1:${port}/hook/secret`, host: `127.0.0.1:${port}`, bodies };
}

const out = (job: Job, id: string): string => `batch_results/${job.jobId}/out/main/${id}.md`;
const subjects = (bench: Bench): string[] => bench.git('log', '--format=%s').trim().split('\n');
const filesOf = (bench: Bench, commit = 'HEAD'): string[] =>
  bench.git('show', '--format=', '--name-only', commit).trim().split('\n');

describe('the end of a job', () => {
  test('is the commit, then the command, then the notification, each once', async () => {
    const seesCommit = [
      process.execPath,
      '-e',
      'const { execFileSync } = require("node:child_process"); require("node:fs").appendFileSync("log.txt", execFileSync("git", ["log", "-1", "--format=%s"]))',
    ];
    const bench = await makeBench({ git: { message: 'words {{job.state}}', per: 'job' }, onEnd: seesCommit });
    const { url, bodies } = await serve();
    for (let run = 1; run <= 3; run += 1) await afterRun(bench.job, url, bench.after, never);
    expect(bench.log()).toEqual(['words done']);
    expect(subjects(bench)).toEqual(['words done', 'first']);
    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      expect.objectContaining({ job_id: bench.job.jobId, state: 'done', requests: 3, succeeded: 3 }),
    ]);
    expect(bench.problems()).toEqual([]);
  });

  test('comes again when the job becomes final again', async () => {
    const bench = await makeBench({ onEnd: note('{{job.state}}') });
    const { url, bodies } = await serve();
    await afterRun(bench.job, url, bench.after, never);
    await afterRun({ ...bench.job, finalAt: '2030-01-01T00:00:00.000Z' }, url, bench.after, never);
    expect(bench.log()).toEqual(['done', 'done']);
    expect(bodies).toHaveLength(2);
  });

  test('does not come before the job is final, nor where nothing is asked for', async () => {
    const bench = await makeBench({ onEnd: note('ran') });
    await afterRun({ ...bench.job, state: 'in_progress', finalAt: null }, null, bench.after, never);
    const plain = await bench.run(await bench.build(1));
    await afterRun(plain.job, null, bench.after, never);
    expect(bench.log()).toEqual([]);
  });

  test('cut off in the command goes on with the command, and does not commit again', async () => {
    const controller = new AbortController();
    const bench = await makeBench({ git: { message: 'once', per: 'job' }, onEnd: note('ran') });
    const stops: AfterRunDeps = {
      ...bench.after,
      outside: {
        ...bench.after.outside,
        runCommand: async (command, signal) => {
          controller.abort(new Error('stopped'));
          return bench.after.outside.runCommand(command, signal);
        },
      },
    };
    await expect(afterRun(bench.job, null, stops, controller.signal)).rejects.toThrow('stopped');
    writeFileSync(join(bench.dir, out(bench.job, 'r1')), 'edited meanwhile\n');
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.log()).toEqual(['ran']);
    expect(subjects(bench)).toEqual(['once', 'first']);
    expect(await bench.deps.store.finalJobsWithout('after_run')).toEqual([]);
  });

  test('is left for later when the job as it was built cannot be read', async () => {
    const bench = await makeBench({ onEnd: note('ran') });
    const path = join(bench.dir, frozenPath(`batch_requests/${bench.job.jobId}`));
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.slice(0, 20));
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.problems()).toEqual([expect.stringContaining('job.json is damaged')]);
    writeFileSync(path, whole);
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.log()).toEqual(['ran']);
  });
});

describe('on_end', () => {
  test('that fails is a problem with its exit code, changes nothing and does not run again', async () => {
    const bench = await makeBench({ onEnd: note('ran', 5) });
    await afterRun(bench.job, null, bench.after, never);
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.log()).toEqual(['ran']);
    expect(bench.problems()).toEqual([
      expect.stringMatching(/left with exit code 5; the job is done all the same$/),
    ]);
    expect(await bench.deps.store.jobById(bench.job.id)).toEqual(bench.job);
  });

  test('that cannot be started is a problem', async () => {
    const bench = await makeBench({ onEnd: ['no-such-program-here', '{{job.id}}'] });
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.problems()).toEqual([expect.stringContaining('there is no such program')]);
  });
});

describe('git', () => {
  test('commits the outputs of good rows and nothing else', async () => {
    const wants = { git: { message: '{{job.succeeded}} of {{job.requests}}', per: 'job' as const } };
    const bench = await makeBench(wants, { fault: 'rows-errored=0.5', records: 40 });
    const rows = await bench.deps.store.rows(bench.job.id, 'main', 0, 100);
    const good = rows.filter((row) => row.status === 'succeeded');
    const bad = rows.filter((row) => row.status !== 'succeeded');
    expect([good.length, bad.length]).not.toContain(0);
    // Outputs of an earlier job, perhaps: this one did not write them.
    for (const row of bad) writeFile(join(bench.dir, out(bench.job, row.customId)), 'not of this job\n');
    writeFile(join(bench.dir, 'staged.txt'), 'x');
    bench.git('add', 'staged.txt');
    await afterRun(bench.job, null, bench.after, never);
    expect(subjects(bench)[0]).toBe(`${good.length} of 40`);
    expect(filesOf(bench).sort()).toEqual(good.map((row) => out(bench.job, row.customId)).sort());
    expect(bench.git('diff', '--cached', '--name-only').trim()).toBe('staged.txt');
  });

  test('per output makes a commit for each, with its name in the message', async () => {
    const bench = await makeBench({ git: { message: '{{custom_id}} in {{output}}', per: 'output' } });
    await afterRun(bench.job, null, bench.after, never);
    const expected = ['r3', 'r2', 'r1'].map((id) => `${id} in ${out(bench.job, id)}`);
    expect(subjects(bench)).toEqual([...expected, 'first']);
    expect(filesOf(bench, 'HEAD~1')).toEqual([out(bench.job, 'r2')]);
    expect(bench.told).toContainEqual({
      kind: 'notice',
      text: expect.stringMatching(/^git: committed 3 outputs in 3 commits, the last is [0-9a-f]{7,}$/),
    });
  });

  test('makes no commit when no output has changed', async () => {
    const bench = await makeBench({ git: { message: 'again', per: 'job' } });
    bench.git('add', 'batch_results');
    bench.git('commit', '-q', '-m', 'by hand');
    await afterRun(bench.job, null, bench.after, never);
    expect(subjects(bench)[0]).toBe('by hand');
    expect(bench.problems()).toEqual([]);
  });

  test('commits no removal of an output that the user has moved away', async () => {
    const bench = await makeBench({ git: { message: 'rest', per: 'job' } });
    bench.git('add', 'batch_results');
    bench.git('commit', '-q', '-m', 'by hand');
    rmSync(join(bench.dir, out(bench.job, 'r1')));
    writeFileSync(join(bench.dir, out(bench.job, 'r2')), 'changed\n');
    await afterRun(bench.job, null, bench.after, never);
    expect(filesOf(bench)).toEqual([out(bench.job, 'r2')]);
  });

  test('says which outputs are ignored', async () => {
    const bench = await makeBench({ git: { message: 'none', per: 'job' } });
    writeFile(join(bench.dir, '.gitignore'), 'batch_results/\n');
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.problems()).toEqual([
      `git of ${bench.job.jobId}: git ignores 3 outputs, not committed, first: ${out(bench.job, 'r1')}`,
    ]);
    expect(subjects(bench)).toEqual(['first']);
  });

  test('outside of a repository is a problem, and the command runs all the same', async () => {
    const wants = { git: { message: 'none', per: 'job' as const }, onEnd: note('ran') };
    const bench = await makeBench(wants, { repository: false });
    await afterRun(bench.job, null, bench.after, never);
    expect(bench.problems()).toEqual([expect.stringContaining('nothing was committed')]);
    expect(bench.log()).toEqual(['ran']);
  });
});

describe('a notification', () => {
  test('that may succeed later is tried again', async () => {
    const bench = await makeBench({});
    const { url, bodies } = await serve(503, 429);
    await afterRun(bench.job, url, bench.after, never);
    expect(bodies).toHaveLength(3);
    expect(bench.problems()).toEqual([]);
  });

  test('that nobody takes is a problem without the secret in its URL, and may be asked for again', async () => {
    const bench = await makeBench({});
    const { url, host, bodies } = await serve(503, 503, 503, 503);
    await afterRun(bench.job, url, bench.after, never);
    expect(bodies).toHaveLength(4);
    expect(bench.problems()).toEqual([`${host} was not notified of ${bench.job.jobId}: it answered 503`]);
    await afterRun(bench.job, url, bench.after, never);
    expect(bodies).toHaveLength(5);
    const events = JSON.stringify(await bench.deps.store.events(bench.job.id));
    expect(events).not.toContain('secret');
  });

  test('that is refused is not tried again, and goes to each URL that is given', async () => {
    const bench = await makeBench({});
    const refusing = await serve(410, 410);
    const other = await serve();
    await afterRun(bench.job, refusing.url, bench.after, never);
    await afterRun(bench.job, other.url, bench.after, never);
    await afterRun(bench.job, other.url, bench.after, never);
    expect([refusing.bodies.length, other.bodies.length]).toEqual([1, 1]);
  });
});
