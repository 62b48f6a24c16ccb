import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BIN, envOf } from './support/run-cli.ts';
import { makeTempDir, writeFile } from './support/temp-dir.ts';

interface Step {
  readonly command: string;
  /** As the page shows it: `...` is any lines, `…` any text. */
  readonly shown: readonly string[];
}

test('the commands of docs/getting-started.md print what the page says, one after another', () => {
  let cwd = makeTempDir();
  const steps = readSteps(readFileSync(new URL('../docs/getting-started.md', import.meta.url), 'utf8'));
  expect(steps.length).toBeGreaterThan(10);
  for (const { command, shown } of steps) {
    const [program, ...args] = command.split(' ');
    if (program === 'cd') cwd = join(cwd, args[0] ?? '');
    else if (program === 'cat') seeFile(join(cwd, args[0] ?? ''), command, shown);
    else compare(command, runHere(args, cwd), shown);
  }
}, 120_000);

/** The commands of all blocks of a terminal, in order. */
function readSteps(markdown: string): readonly Step[] {
  const blocks = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].map((found) => found[1] ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command = '', ...shown] = text.trimEnd().split('\n');
        return { command, shown };
      }),
  );
}

/** A file that is not there yet is one that the reader brings. */
function seeFile(path: string, command: string, shown: readonly string[]): void {
  if (existsSync(path)) compare(command, readFileSync(path, 'utf8'), shown);
  else writeFile(path, `${shown.join('\n')}\n`);
}

/** What a terminal would show: both streams in the order in which they were written. */
function runHere(args: readonly string[], cwd: string): string {
  const path = join(makeTempDir(), 'screen');
  const screen = openSync(path, 'a');
  const env = { ...envOf(args), NO_COLOR: '1', BATCHCTL_EMULATOR_BATCH_SECONDS: '1' };
  const { status } = spawnSync(process.execPath, [BIN, ...args], {
    cwd,
    env,
    stdio: ['ignore', screen, screen],
  });
  closeSync(screen);
  const text = readFileSync(path, 'utf8');
  expect({ args, status, text: status === 0 ? '' : text }).toEqual({ args, status: 0, text: '' });
  return text;
}

function compare(command: string, printed: string, shown: readonly string[]): void {
  const pattern = shown.map((line) => (line === '...' ? '(?:.*\\n)*?' : `${patternOf(line)}\\n`)).join('');
  const matches = new RegExp(`^${pattern}$`).test(sameEveryTime(printed));
  // The difference is what one wants to see.
  if (!matches)
    expect({ command, printed: sameEveryTime(printed) }).toEqual({ command, printed: shown.join('\n') });
}

function patternOf(line: string): string {
  return sameEveryTime(line)
    .replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
    .replaceAll('…', '.*');
}

/** Without ids and times. */
function sameEveryTime(text: string): string {
  return text
    .replace(/msgbatch_\w+/g, 'BATCH')
    .replace(/-\d{8}-\d{6}/g, '-STAMP')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, 'TIME');
}
