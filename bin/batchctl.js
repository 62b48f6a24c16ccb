#!/usr/bin/env node
// JavaScript that an old Node can still parse: no import statement, no `?.`, no top-level await. On a Node that is too
// old better-sqlite3 crashes the process, so nothing else may load before this check.
const [major, minor] = process.versions.node.split('.').map(Number);
const [flag, ...rest] = process.argv.slice(2);
// They hold little, and loading what sets V8's flags costs a tenth of their time.
const SHORT = ['list', 'status'];

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`error: batchctl needs Node.js 22.18 or newer; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else if (rest.length === 0 && (flag === '--version' || flag === '-V')) {
  process.stdout.write(`${readVersion()}\n`);
} else {
  if (!SHORT.includes(flag)) keepHeapSmall();
  process.report.excludeEnv = true;
  import('../dist/cli/main.js').then((cli) => cli.main());
}

// Answered here, because loading the command line costs more than starting Node does.
function readVersion() {
  const { readFileSync } = process.getBuiltinModule('fs');
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

// V8 sizes its heap by the machine's memory: with 24 GB the young generation alone grows to 134 MB, and a retrieve of
// 100,000 rows peaked at 365 MB against 139 MB with this flag, for a fifth more CPU (Node 24.21, 2026-11-20). It works at
// run time, unlike --max-semi-space-size, and a shebang with flags is not portable.
function keepHeapSmall() {
  const v8 = process.getBuiltinModule('v8');
  v8.setFlagsFromString('--optimize-for-size');
  // With it the old generation may grow by 2 MB until all is collected, 68 times for a hundred answers of 1.2 MB. By half its
  // size instead costs 5 MB, and saves a tenth of the CPU of these and of a retrieve of 100,000 rows (Node 24.21, 2026-11-29).
  v8.setFlagsFromString('--heap-growing-percent=50');
  // A full heap now waits for a collection instead of growing, and so does V8's compiler in its own thread. At the exit Node
  // waits for that thread, nothing collects any more, and both wait for ever, about one command in a hundred on two cores
  // (nodejs/node#54918, Node 24.21).
  process.on('exit', () => v8.setFlagsFromString('--no-optimize-for-size'));
}
