import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeTalk } from '../../src/cli/progress.ts';
import { describeError, formatReport } from '../../src/cli/report-error.ts';
import { systemClock } from '../../src/cli/system-clock.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { startAtTerminal } from '../support/cli-at-terminal.ts';
import { hasForgedLine, hostileStrings, strangeOrders } from '../support/hostile-strings.ts';
import { BIN, runCli, scrubbedEnv } from '../support/run-cli.ts';
import { parseLines } from '../support/run-example.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';
import { type Heard, serveApi } from '../support/trap-server.ts';

// Several children a test; this bounds a run that hangs, on a busy machine too.
vi.setConfig({ testTimeout: 180_000 });

/** Runs of the command line in this process, at a terminal; what it printed, and its error as main.ts reports it. */
async function printedBy(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const cli = startAtTerminal(args, { cwd, env: { ANTHROPIC_API_KEY: 'a-key-of-nobody', ...env } });
  const failed = await cli.finished.then(
    () => '',
    (error: unknown) => formatReport(describeError(error), (_style, text) => text),
  );
  return cli.printed() + failed;
}

/** What came is ours alone: no order of a terminal, and no line that text from outside has begun. */
function expectHarmless(printed: string, what: string, mayHaveLines = false): void {
  expect({ what, orders: strangeOrders(printed), printed: printed === '' }).toEqual({
    what,
    orders: [],
    printed: false,
  });
  if (!mayHaveLines) expect({ what, forged: hasForgedLine(printed) }).toEqual({ what, forged: false });
}

const HOSTILE = hostileStrings(1_000);
// A group is trimmed, and what stands at the beginning of a line of a table is its name.
const GROUPS = HOSTILE.slice(0, 8).map((text) => `g${text}`);
const DATA = 'd\u001b[35m\u202e\nFORGED.jsonl';

function writeHostileJob(cwd: string): void {
  const records = HOSTILE.map((text, index) => ({ k: `${text}#${index}`, g: GROUPS[index % GROUPS.length] }));
  writeFile(join(cwd, DATA), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  writeFile(
    join(cwd, 'h.job.yaml'),
    [
      'name: h',
      'model: claude-haiku-5-5',
      'max_tokens: 300',
      `source: ${JSON.stringify({ jsonl: DATA })}`,
      'id: "{{ k }}"',
      'prompt: "{{ k }}"',
      'group_by: g',
    ].join('\n'),
  );
}

describe('a job of 1,000 hostile records', () => {
  test('gives no order to a terminal, in any command', async () => {
    const cwd = makeTempDir();
    writeHostileJob(cwd);
    const emulator = await startEmulator({
      stateDir: makeTempDir(),
      batchSeconds: 0.1,
      faults: ['rows-refused=0.1', 'rows-invalid=0.1'],
    });
    onTestFinished(() => emulator.close());
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const plan = ['plan', '--emulator', '--first', '50'];
    expectHarmless(await printedBy(plan, cwd, env), 'plan', true);
    const submit = ['submit', '--use-batch', '--emulator', '--yes', '-v', '--interval', '100ms'];
    expectHarmless(await printedBy(submit, cwd, env), 'submit');
    const commands: readonly (readonly string[])[] = [
      ['list', '--all'],
      ['list', '--all', '--json'],
      ['status', 'latest'],
      ['status', 'latest', '--json'],
      ['show', 'latest'],
      ['cost', 'latest'],
      ['cost', 'latest', '--json'],
      ['cost', 'latest', '--csv'],
      ['verify', 'latest'],
      ['watch', 'latest'],
      ['watch', 'latest', '--json'],
      ['retrieve', 'latest', '-v'],
      ['cancel', 'latest'],
      ['plan', '--emulator', '--changed', '-v', '--first', '0'],
      ['retry', 'latest', '--emulator', '-v'],
      ['doctor', '--emulator'],
    ];
    for (const args of commands) expectHarmless(await printedBy(args, cwd, env), args.join(' '));
    // Data goes to a terminal where nobody named a file: shown, not obeyed. Line ends are its own.
    for (const args of [
      ['retrieve', 'latest', '-o', '-'],
      ['export', 'latest', '--format', 'csv'],
      ['export', 'latest', '--format', 'csv', '--raw-csv'],
      ['export', 'latest', '--format', 'json'],
      ['export', 'latest', '--format', 'jsonl'],
    ]) {
      expectHarmless(await printedBy(args, cwd, env), args.join(' '), true);
    }
    const jobId = JSON.parse(await printedBy(['show', 'latest', '--json'], cwd, env)).job_id;
    const rows = parseLines(readFileSync(join(cwd, `batch_results/${jobId}/results.jsonl`), 'utf8'));
    expect(rows).toHaveLength(1_000);
    for (const row of rows.filter((_row, index) => index % 40 === 0)) {
      const args = ['show', 'latest', String(row['custom_id'])];
      expectHarmless(await printedBy(args, cwd, env), args.join(' '), true);
    }
    // The answers did carry the orders that their prompts had.
    expect(strangeOrders(rows.map((row) => String(row['text'])).join('')).length).toBeGreaterThan(500);

    await throughPtyAndPipe(cwd);
  });

  /** The built program: on a pseudo terminal nothing strange comes, through a pipe each byte does. */
  async function throughPtyAndPipe(cwd: string): Promise<void> {
    const args = ['export', 'latest', '--format', 'jsonl', '--columns', 'k,g'];
    const piped = await runCli(args, { cwd });
    expect(parseLines(piped.stdout).map((row) => row['k'])).toEqual(
      HOSTILE.map((text, index) => `${text}#${index}`),
    );
    for (const command of [args, ['list', '--all'], ['status', `nobody${HOSTILE[0]}`]]) {
      const { stdout, error } = spawnSync(
        'script',
        ['-qec', `'${process.execPath}' '${BIN}' ${command.map(quoted).join(' ')}`, '/dev/null'],
        { cwd, encoding: 'utf8', env: { ...scrubbedEnv(), SHELL: '/bin/sh', TERM: 'xterm-256color' } },
      );
      if (error !== undefined) {
        process.stderr.write(`NOT CHECKED: no pseudo terminal here (${error.message})\n`);
        return;
      }
      expectHarmless(stdout.replaceAll('\r\n', '\n'), command.join(' '), command === args);
    }
  }
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

test('hostile arguments, names and folders are named harmlessly', async () => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 1);
  await printedBy(['build', '--emulator'], cwd);
  for (const text of hostileStrings(8, 2)) {
    for (const args of [
      ['status', text],
      ['show', 'latest', text],
      ['retrieve', text],
      ['-C', text, 'list'],
      ['list', `--${text}`],
      ['plan', text],
      ['submit', `${text}.job.yaml`],
      ['build', '--new', '--set', text],
      ['build', '--new', '--select', `${text}=1`],
      ['export', 'latest', '--format', 'csv', '--columns', text],
      ['export', 'latest', '--template', text],
      ['retry', 'latest', '--stage', text],
      ['submit', '--max-usd', text],
    ]) {
      expectHarmless(await printedBy(args, cwd), args.join(' '));
      expectHarmless(await printedBy([...args, '--json'], cwd), `${args.join(' ')} --json`);
    }
  }
});

test('hostile job files and data are refused harmlessly', async () => {
  for (const text of hostileStrings(12, 3)) {
    const cwd = makeTempDir();
    const files: Readonly<Record<string, string>> = {
      'name.job.yaml': `name: ${JSON.stringify(text)}\nmodel: m\nmax_tokens: 9\nsource: { axes: { a: [1] } }\nprompt: x\n`,
      'key.job.yaml': `${JSON.stringify(text)}: 1\nname: a\nmodel: m\nmax_tokens: 9\nsource: { axes: { a: [1] } }\nprompt: x\n`,
      'value.job.yaml': `name: a\nmodel: ${JSON.stringify(text)}\nmax_tokens: ${JSON.stringify(text)}\nsource: { csv: ${JSON.stringify(text)} }\nprompt: x\n`,
      'raw.job.yaml': `name: a\n${text}\n`,
      'column.job.yaml': `name: a\nmodel: m\nmax_tokens: 9\nsource: { json: d.json }\nprompt: ${JSON.stringify(`{{ nobody }} ${text}`)}\n`,
      'template.job.yaml': `name: a\nmodel: m\nmax_tokens: 9\nsource: { json: d.json }\nprompt: ${JSON.stringify(`{{ ${text} | ${text} }}`)}\n`,
      'broken.job.yaml': 'name: a\nmodel: m\nmax_tokens: 9\nsource: { jsonl: d.jsonl }\nprompt: x\n',
      'command.job.yaml': `name: a\nmodel: m\nmax_tokens: 9\nsource: { command: [${JSON.stringify(text)}, ${JSON.stringify(text)}] }\nprompt: x\n`,
    };
    for (const [path, content] of Object.entries(files)) writeFile(join(cwd, path), content);
    writeFile(join(cwd, 'd.json'), JSON.stringify([{ [text]: text }]));
    writeFile(join(cwd, 'd.jsonl'), `{"a": "${text}\n`);
    for (const file of Object.keys(files)) {
      expectHarmless(
        await printedBy(['plan', file, '--emulator', '--first', '0'], cwd),
        `${file} with ${JSON.stringify(text)}`,
      );
    }
  }
});

describe('what a server says is shown harmlessly', () => {
  let texts: readonly string[];
  beforeAll(() => {
    texts = hostileStrings(5, 4);
  });

  const isCreate = ({ method, path }: Heard): boolean => method === 'POST' && path === '/v1/messages/batches';

  test('in its errors, in a batch and in real time', async () => {
    const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 0.1 });
    onTestFinished(() => emulator.close());
    for (const message of texts) {
      const body = JSON.stringify({ type: 'error', error: { type: `t${message}`, message } });
      const said = { status: 400, headers: { 'content-type': 'application/json' }, body };
      const api = await serveApi(
        (call) => (isCreate(call) || call.path === '/v1/messages' ? said : null),
        emulator.url,
      );
      const env = { ANTHROPIC_BASE_URL: api.url };
      const cwd = makeTempDir();
      writeSampleJob(cwd, 1);
      expectHarmless(
        await printedBy(['submit', '--use-batch', '--yes', '--interval', '100ms'], cwd, env),
        'create',
      );
      expectHarmless(await printedBy(['submit', '--new', '--yes'], cwd, env), 'messages');
      for (const args of [
        ['show', 'latest', 'r1'],
        ['show', 'latest'],
        ['status', 'latest'],
        ['list', '--all'],
      ]) {
        expectHarmless(await printedBy(args, cwd, env), args.join(' '), args.includes('r1'));
      }
      const refusing = await serveApi(() => said);
      expectHarmless(await printedBy(['doctor'], cwd, { ANTHROPIC_BASE_URL: refusing.url }), 'doctor');
    }
  });

  test('in the ids and the states of batches', async () => {
    for (const text of texts) {
      const batch = {
        id: `msgbatch_${text}`,
        type: 'message_batch',
        processing_status: `in_progress${text}`,
        request_counts: { processing: 1, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
        created_at: `2026-11-01T00:00:00Z${text}`,
        expires_at: '2026-11-02T00:00:00Z',
        ended_at: null,
        cancel_initiated_at: null,
        archived_at: null,
        results_url: null,
      };
      const answer = (document: unknown) => ({
        status: 200,
        headers: { 'content-type': 'application/json', 'anthropic-workspace-id': 'w', 'request-id': 'r' },
        body: JSON.stringify(document),
      });
      const api = await serveApi((call) => {
        if (isCreate(call)) return answer(batch);
        if (call.path.includes('count_tokens')) return answer({ input_tokens: 5 });
        if (call.path.startsWith('/v1/models')) return { status: 404 };
        if (/batches(?:\?|$)/.test(call.path))
          return answer({ data: [], has_more: false, first_id: null, last_id: null });
        return answer(batch);
      });
      const env = { ANTHROPIC_BASE_URL: api.url };
      const cwd = makeTempDir();
      writeSampleJob(cwd, 1);
      const submit = ['submit', '--use-batch', '--yes', '--submit-only', '--interval', '100ms'];
      expectHarmless(await printedBy(submit, cwd, env), 'submit');
      for (const args of [
        ['list'],
        ['status', 'latest'],
        ['retrieve', 'latest'],
        ['show', 'latest'],
        ['cost', 'latest'],
      ]) {
        expectHarmless(await printedBy(args, cwd, env), args.join(' '));
      }
    }
  });
});

describe('the talk of a command', () => {
  const sayAll = (json: boolean): string => {
    const stream = new PassThrough();
    const terminal = { isTTY: false, width: 80, color: false };
    // All of it that the talk asks for.
    const screen = stream as unknown as NodeJS.WriteStream;
    const talk = makeTalk(screen, { terminal, quiet: false, verbose: true, json, clock: systemClock });
    for (const text of HOSTILE.slice(0, 200)) {
      talk.report({ kind: 'problem', text });
      talk.report({ kind: 'notice', text: `it said ${text}` });
      talk.warn(text);
    }
    return String(stream.read());
  };

  test('lets the words of others begin no line, and give no order', () => {
    expectHarmless(sayAll(false), 'talk');
  });

  test('is JSON that holds the exact text where JSON was asked for', () => {
    const lines = sayAll(true)
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(lines.map((line) => JSON.parse(line).warning.message)).toEqual(
      HOSTILE.slice(0, 200).flatMap((text) => [text, text]),
    );
    expect(strangeOrders(lines.join('\n'))).toEqual([]);
  });
});
