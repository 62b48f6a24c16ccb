// npm run demo: the main job on the embedded emulator, in a fresh copy of examples/round-reports. Prints each command
// before it runs, checks what it did, and ends with 1 at the first thing that is not as it should be.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const BIN = join(ROOT, 'bin', 'batchctl.js');
const EXAMPLE = join(ROOT, 'examples', 'round-reports');
const ROUNDS = 32;
const STAGES = 3; // notes, then a report and a brief from them
const WIDTH = 80;
const KILL_WITHIN_MS = 50;

// Left behind where the example was run in place.
const PRODUCED = ['.batchctl', 'batch_requests', 'batch_results', 'notes', 'reports', 'briefs'];

class DemoError extends Error {}

const started = Date.now();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-demo-')));
cpSync(EXAMPLE, folder, {
  recursive: true,
  filter: (path) => !PRODUCED.includes(path.slice(EXAMPLE.length + 1).split(sep)[0]),
});

try {
  await demo();
} catch (error) {
  if (!(error instanceof DemoError)) throw error;
  print(`\nThe demo failed: ${error.message}\nIts folder is left for you to look at: ${folder}\n`);
  process.exitCode = 1;
}

async function demo() {
  print(
    `Notes, a report and a brief for each of ${ROUNDS} golf rounds: ${ROUNDS * STAGES} requests in the end.`,
    'Everything runs on the embedded emulator: no key, no network, no cost.',
    `Folder: ${folder}`,
  );

  step(1, 'plan', 'What would be sent? Nothing is, and nothing is written.');
  await run(['plan']);

  step(2, 'send the batch and leave', 'The batch exists, and nobody has to wait for it.');
  await run(['submit', '--use-batch', '--submit-only', '--emulator']);
  const [first] = await json(['list', '--json']);
  expect(first?.batches.length === 1, 'a job is pending, with a batch for its first stage');
  expect(first.batches[0].requests === ROUNDS, `the batch has ${ROUNDS} requests: the notes`);

  step(3, 'list', 'What is pending; read from the local database, no server is asked.');
  await run(['list']);

  step(
    4,
    'a second job, killed',
    'The notes alone with another model, cut into shards of at most eight. Some\n' +
      'milliseconds after the first is sent, the process gets a real kill -9.',
  );
  await runAndKill(
    [
      ...['submit', '--use-batch', '--emulator', '--max-shard-requests', '8'],
      ...['--stage', 'notes', '--set', 'model=claude-opus-5-5'],
    ],
    / is batch msgbatch_/,
  );
  const killed = (await json(['list', '--json'])).find((job) => job.job_id !== first.job_id);
  expect(killed !== undefined, 'the killed job is pending');
  const shards = countShards(killed.job_id);
  print(`  ${killed.batches.length} of ${shards} batches are known so far`);

  step(
    5,
    'resume',
    'Carries it on from where it was: what was sent is not sent again. If the kill\n' +
      'fell between the last two bytes of a shard and the answer, nobody knows yet\n' +
      'whether a batch exists; then it looks for one first, here for 10 seconds.',
  );
  await run(['resume', killed.job_id, '--settle', '10s']);
  const resumed = await json(['status', killed.job_id, '--json']);
  const sent = new Set(resumed.batches.map((batch) => batch.shard));
  expect(resumed.succeeded === ROUNDS, `all ${ROUNDS} requests of the killed job succeeded`);
  expect(
    sent.size === shards && resumed.batches.length === shards,
    `${shards} shards, ${shards} batches: one each`,
  );

  step(
    6,
    'retrieve',
    'The first job again, in another process than the one that sent it. Once the\n' +
      'notes are there, it makes and sends the stages that are built from them.',
  );
  await run(['retrieve', first.job_id, '--wait']);

  step(7, 'verify', 'Every request has exactly one row, and every file is there and unchanged.');
  const all = [
    [first.job_id, ROUNDS * STAGES],
    [killed.job_id, ROUNDS],
  ];
  for (const [id, requests] of all) {
    await run(['verify', id]);
    const proof = await json(['verify', id, '--json']);
    expect(proof.ok === true && proof.succeeded === requests, `${id} is complete: ${requests} requests`);
  }
  const onServer = await countBatchesOnServer();
  expect(
    onServer === STAGES + shards,
    `the emulator was sent ${STAGES} + ${shards} batches, none twice (it has ${onServer})`,
  );

  showReports();
  print('', `Done in ${Math.round((Date.now() - started) / 1000)} s. Look around in ${folder}`);
}

function showReports() {
  const reports = join(folder, 'reports');
  const written = readdirSync(reports, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  heading('the reports');
  expect(written.length === ROUNDS, `${ROUNDS} files in reports/, where the job file wants them`);
  const one = join(reports, 'teg17', 'round4.md');
  print('', 'reports/teg17/round4.md begins (the emulator writes placeholder text):', '');
  printOutput(`${wrap(readFileSync(one, 'utf8')).slice(0, 4).join('\n')}\n`);
}

/** A shard is a file of requests. */
function countShards(jobId) {
  return readdirSync(join(folder, 'batch_requests', jobId)).filter((name) => /^notes-\d+\.jsonl$/.test(name))
    .length;
}

/** What the other side has, asked of a served emulator with plain HTTP. */
async function countBatchesOnServer() {
  const server = start(['emulator']);
  try {
    const url = (await server.sees(/http:/)).match(/http:\S+/)[0];
    const headers = { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2026-10-21' };
    const response = await fetch(`${url}/v1/messages/batches?limit=100`, { headers });
    return (await response.json()).data.length;
  } finally {
    server.child.kill();
    await server.ended;
  }
}

async function run(args) {
  printCommand(args);
  const { code, signal } = await start(args, printOutput).ended;
  if (code !== 0) throw new DemoError(`batchctl ${args[0]} left with ${code ?? signal}, not with 0`);
}

async function runAndKill(args, moment) {
  printCommand(args);
  const running = start(args, printOutput);
  await running.sees(moment);
  await sleep(Math.random() * KILL_WITHIN_MS);
  running.child.kill('SIGKILL');
  const { signal } = await running.ended;
  if (signal !== 'SIGKILL') throw new DemoError('the job had ended before it could be killed');
  print('  Killed (kill -9)');
}

async function json(args) {
  const { code, stdout, stderr } = await start(args).ended;
  if (code !== 0) throw new DemoError(`batchctl ${args.join(' ')} left with ${code}\n${stderr}`);
  return JSON.parse(stdout);
}

/** Starts batchctl itself, not npx: a signal must reach the process that works. */
function start(args, onText = () => undefined) {
  const child = spawn(checkoutNode(), [BIN, ...args], {
    cwd: folder,
    env: cleanEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const got = { stdout: '', stderr: '' };
  const listeners = new Set();
  for (const name of ['stdout', 'stderr']) {
    let line = '';
    child[name].setEncoding('utf8').on('data', (text) => {
      got[name] += text;
      line += text;
      const end = line.lastIndexOf('\n') + 1;
      if (end > 0) onText(line.slice(0, end), name);
      line = line.slice(end);
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...got }));
  });
  const sees = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(got.stdout + got.stderr) && resolve(got.stdout + got.stderr);
      listeners.add(look);
      ended.then(() => reject(new DemoError(`batchctl ${args[0]} ended without saying ${pattern}`)), reject);
      look();
    });
  return { child, ended, sees };
}

/** The checkout's own Node, also where this script was started with an older one. */
function checkoutNode() {
  const own = join(ROOT, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(own) ? own : process.execPath;
}

/** Without a key and without settings of the user's: the demo must not touch the real API. */
function cleanEnv() {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ANTHROPIC|BATCHCTL)_/.test(name));
  return Object.fromEntries(kept);
}

function step(number, title, text) {
  heading(`${number}. ${title}`);
  print(text);
}

function heading(title) {
  print('', `${'─'.repeat(3)} ${title} ${'─'.repeat(WIDTH - 5 - title.length)}`);
}

function printCommand(args) {
  const quoted = args.map((arg) => (/^[\w=.,/-]+$/.test(arg) ? arg : `'${arg}'`));
  // An option and its value stay on one line.
  const words = quoted.join(' ').match(/--\S+(?: (?!-)\S+)?|\S+/g);
  const lines = ['$ batchctl'];
  for (const word of words) {
    if (lines.at(-1).length + word.length > WIDTH - 4) lines.push(`    ${word}`);
    else lines.push(`${lines.pop()} ${word}`);
  }
  print('', lines.join(' \\\n'), '');
}

/** Indented. What is said (stderr) is wrapped; requests and tables (stdout) are wider than a page and are cut. */
function printOutput(text, stream = 'stdout') {
  const room = WIDTH - 4;
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const shown = stream === 'stderr' ? wrap(line) : [line.length > room ? `${line.slice(0, room)}…` : line];
    print(...shown.map((part) => `  ${part}`.trimEnd()));
  }
}

/** Lines of a text that is told, at blanks where there are some. */
function wrap(text) {
  const lines = text.split('\n').map((line) => line.match(/.{1,76}(?:\s|$)|.{1,76}/g) ?? ['']);
  return lines.flat().map((line) => line.trimEnd());
}

function expect(isTrue, claim) {
  if (!isTrue) throw new DemoError(`this is not so: ${claim}`);
  print(`  checked: ${claim}`);
}

function print(...lines) {
  process.stdout.write(`${lines.join('\n')}\n`);
}
