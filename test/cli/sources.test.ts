import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN, type Finished, runCli, scrubbedEnv, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const job = (source: string): string =>
  `model: claude-haiku-5-5\nmax_tokens: 5\nsource: ${source}\nprompt: "about {{ id }}"\n`;

function jobsIn(root: string): readonly string[] {
  const folder = join(root, 'batch_requests');
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The records of the only job that was built. */
function recordsIn(root: string): readonly unknown[] {
  const [jobId = ''] = jobsIn(root);
  const lines = readFileSync(join(root, 'batch_requests', jobId, 'records.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line).record);
}

/** With something piped into it. */
function runPiped(args: readonly string[], root: string, input: string): Promise<Finished> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: root,
    env: scrubbedEnv(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...said })));
}

test('a job whose records are piped in is built', async () => {
  const root = makeTempDir({ 'a.job.yaml': job('{csv: "-"}') });
  const { code, stderr } = await runPiped(['build'], root, 'id\nx\ny\n');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(recordsIn(root)).toEqual([{ id: 'x' }, { id: 'y' }]);
});

test('a bad line of what is piped in is named', async () => {
  const root = makeTempDir({ 'a.job.yaml': job('{jsonl: "-"}') });
  const { code, stderr } = await runPiped(['build'], root, '{"id":"x"}\nnonsense\n');
  expect(code).toBe(2);
  expect(stderr).toContain('stdin:2: not valid JSON');
});

test('a TypeScript module gives the records', async () => {
  const code =
    'export async function* records(): AsyncGenerator<{ id: string }> {\n  yield { id: "x" };\n}\n';
  const root = makeTempDir({ 'a.job.yaml': job('{module: ./build.ts}'), 'build.ts': code });
  expect(await runCli(['build'], { cwd: root })).toMatchObject({ code: 0 });
  expect(recordsIn(root)).toEqual([{ id: 'x' }]);
});

test.each([
  ['does not parse', 'export default [', 'build.mjs: the module failed: SyntaxError'],
  [
    'throws',
    'export default function* () {\n  yield { id: 1 };\n  null.x;\n}\n',
    'build.mjs:3: the module failed: TypeError',
  ],
])('a module that %s is named, with its line, and nothing is built', async (_, code, says) => {
  const root = makeTempDir({ 'a.job.yaml': job('{module: build.mjs}'), 'build.mjs': code });
  const { code: exit, stderr } = await runCli(['build'], { cwd: root });
  expect(exit).toBe(2);
  expect(stderr).toContain(says);
  expect(jobsIn(root)).toEqual([]);
});

test('what a program says on its standard error is said, and its failure ends the build', async () => {
  const code = 'console.error("half way"); console.log("{\\"id\\":\\"x\\"}"); process.exitCode = 4';
  const root = makeTempDir({
    'a.job.yaml': job(JSON.stringify({ command: [process.execPath, 'build.cjs'] })),
    'build.cjs': code,
  });
  const { code: exit, stdout, stderr } = await runCli(['build'], { cwd: root });
  expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
  expect(stderr).toContain('half way\n');
  expect(stderr).toContain('it ended with exit code 4');
  expect(jobsIn(root)).toEqual([]);
});

test('a program is stopped when batchctl is told to stop', async () => {
  const code =
    'process.on("SIGTERM", () => { require("fs").writeFileSync("stopped", ""); process.exit(); }); console.error("up"); setInterval(() => {}, 1000)';
  const root = makeTempDir({
    'a.job.yaml': job(JSON.stringify({ command: [process.execPath, 'build.cjs'] })),
    'build.cjs': code,
  });
  const running = startCli(['build'], { cwd: root });
  await running.waitFor('up');
  running.child.kill('SIGINT');
  expect(await running.finished).toMatchObject({ code: 130 });
  expect(existsSync(join(root, 'stopped'))).toBe(true);
});
