import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { describeError, exitCodeOf, formatReport, formatReportJson } from '../../src/cli/report-error.ts';
import { makePaint } from '../../src/cli/terminal.ts';
import {
  AuthError,
  DecisionError,
  InputError,
  InterruptedError,
  ProviderError,
  StoreError,
  UsageError,
} from '../../src/core/errors.ts';

const facts = { code: 'a_code', next: 'again' };
const plain = makePaint({ isTTY: false, width: 80, color: false });

function systemError(code: string, syscall: string | undefined): Error {
  return Object.assign(new Error(`${code}: text`), { code, syscall, path: '/some/file' });
}

describe('exit codes', () => {
  test.each([
    [new UsageError('m', facts), 2],
    [new InputError('m', { ...facts, problems: [], count: 0 }), 2],
    [new AuthError('m', facts), 4],
    [new ProviderError('m', { ...facts, status: 500 }), 5],
    [new StoreError('m', facts), 6],
    [new DecisionError('m', facts), 7],
    [new InterruptedError('m', { ...facts, signal: 'SIGINT' }), 130],
    [new InterruptedError('m', { ...facts, signal: 'SIGTERM' }), 143],
    [new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"), 2],
    [systemError('ENOSPC', 'write'), 6],
    [systemError('EACCES', 'open'), 6],
    // As Node 24 words it when `rmSync` fails.
    [systemError('', 'rm'), 6],
    // A used-up quota, of which libuv has no name.
    [systemError('Unknown system error -122', 'write'), 6],
    [systemError('SQLITE_FULL', undefined), 6],
    [systemError('ERR_INVALID_ARG_TYPE', undefined), 1],
    [new TypeError('x is not a function'), 1],
    ['a text that was thrown', 1],
  ])('%o leaves with %i', (error, code) => {
    expect(describeError(error).exitCode).toBe(code);
  });

  test.each([
    ['done', 0],
    ['failed_rows', 3],
    ['pending', 8],
  ] as const)('a command that ends %s leaves with %i', (verdict, code) => {
    expect(exitCodeOf(verdict)).toBe(code);
  });
});

test.each(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'SQLITE_CANTOPEN', 'SQLITE_READONLY_DIRECTORY'])(
  '%s of a database beside the store is told as what the disk refused',
  (code) => {
    const { why, next } = describeError(systemError(code, undefined));
    expect(why).toMatch(/^(the|it) [^:]* .*\(SQLITE/);
    expect(why).not.toContain(': text');
    expect(next).toContain('room');
  },
);

describe('a message', () => {
  test('is three lines: what happened, why, what to do next', () => {
    const error = new ProviderError('shard 3 of job "reviews" was not submitted', {
      code: 'too_large',
      status: 413,
      why: 'the API answered 413',
      next: 'batchctl submit reviews --max-shard-mb 64',
    });
    expect(formatReport(describeError(error), plain)).toBe(
      'error: shard 3 of job "reviews" was not submitted\n' +
        '  why: the API answered 413\n' +
        ' next: batchctl submit reviews --max-shard-mb 64\n',
    );
  });

  test('leaves out what is not known', () => {
    expect(formatReport(describeError(new UsageError('no', facts)), plain)).toBe('error: no\n next: again\n');
  });

  test('lists bad records with their place, and counts the rest', () => {
    const error = new InputError('bad', {
      ...facts,
      problems: [
        { file: 'a.csv', line: 2, problem: 'too short' },
        { file: 'dir/x.txt', line: null, problem: 'empty' },
      ],
      count: 7,
    });
    expect(formatReport(describeError(error), plain)).toBe(
      'error: bad\n  a.csv:2: too short\n  dir/x.txt: empty\n  … and 5 more\n next: again\n',
    );
  });

  test('of a bug holds the stack and where to report it', () => {
    const text = formatReport(describeError(new TypeError('x is not a function')), plain);
    expect(text).toContain('TypeError: x is not a function');
    expect(text).toContain('report-error.test.ts');
    expect(text).toContain('report these lines');
  });

  test('never shows what looks like a key, in a stack neither', () => {
    const text = formatReport(describeError(new Error('header sk-ant-api03-secretsecretsecret')), plain);
    expect(text).not.toContain('secretsecret');
  });

  test('cannot order the terminal about', () => {
    const error = new UsageError('no \u001b[2J\u202e\n injected: line', { ...facts, why: 'a\u009bb' });
    const text = formatReport(describeError(error), plain);
    expect(text).toBe('error: no \\x1b[2J\\u{202e}\\n injected: line\n  why: a\\x9bb\n next: again\n');
  });

  test('has colours only where they are shown', () => {
    const painted = formatReport(
      describeError(new UsageError('no', facts)),
      makePaint({ isTTY: true, width: 80, color: true }),
    );
    expect(painted).toBe('\u001b[31merror:\u001b[39m no\n\u001b[2m next:\u001b[22m again\n');
  });
});

test('with --json the same facts are one line', () => {
  const error = new AuthError('no key', { code: 'key_missing', why: 'w\nx', next: 'n' });
  const line = formatReportJson(describeError(error));
  expect(line.endsWith('}\n')).toBe(true);
  expect(line.trimEnd()).not.toContain('\n');
  expect(JSON.parse(line)).toEqual({
    error: { code: 'key_missing', message: 'no key', why: 'w\nx', next: 'n' },
  });
});
