import type { FaultRow } from '../row.ts';

const KEY = 'security/key.test.ts';
const ORIGIN = 'security/origin.test.ts';
const TERMINAL = 'security/terminal.test.ts';
const MODES = 'security/modes.test.ts';
const INJECTION = 'security/injection.test.ts';

/** Security. */
export const securityRows: readonly FaultRow[] = [
  {
    row: 'Z1',
    fault: 'the key in arguments, logs, the store, results, crashes, the environment of children',
    expected:
      'no flag takes a key; it is in no byte that is left behind; programs that a job starts find no `ANTHROPIC_*`',
    shownBy: [
      {
        file: 'support/suite-folder.ts',
        title: 'the API key of the tests was found in what the suite produced',
      },
      { file: 'security/canary.test.ts', title: 'a folder is searched to its last byte' },
      { file: KEY, title: 'neither a source, a module, on_end, git nor its hooks' },
      { file: KEY, title: 'no flag and no argument of any command takes a key' },
      { file: KEY, title: 'a crash that prints its whole environment prints no key' },
    ],
  },
  {
    row: 'Z2',
    fault: 'a diagnostic report or a heap snapshot of Node',
    expected: 'reports hold no environment; nothing of ours ever takes a heap snapshot',
    shownBy: [
      { file: KEY, title: 'after a fatal error: the memory is used up' },
      { file: KEY, title: 'asked for by a signal: no environment at all' },
    ],
  },
  {
    row: 'Z3',
    fault: 'logs of HTTP when debugging is asked for',
    expected: 'neither the key nor a body; a server that repeats the key is not quoted that far',
    shownBy: [
      { file: KEY, title: 'nothing that Node or the SDK says when asked to debug holds the key' },
      { file: KEY, title: 'an API that repeats the key in its errors does not bring it into ours' },
    ],
  },
  {
    row: 'Z4',
    fault: 'a `.env` or a job file that names a base URL, a proxy, options of Node, TLS off',
    expected: 'of `.env` the key alone is read; a job file cannot say where calls go; 0 bytes to a trap',
    shownBy: [
      {
        file: ORIGIN,
        title: 'a .env gives the key and nothing else: no base URL, no proxy, no option of Node',
      },
      { file: ORIGIN, title: 'a job file with the key %s is refused, and nobody is asked' },
      { file: ORIGIN, title: 'the variables of proxies are not heeded' },
      { file: 'cli/api-key.test.ts', title: 'one that is not the default is named on stderr' },
    ],
  },
  {
    row: 'Z5',
    fault: 'a redirect, or a `results_url`, to another origin',
    expected: 'never followed, never given the key',
    shownBy: [
      { file: ORIGIN, title: 'not by any call, when the API answers %i' },
      { file: ORIGIN, title: 'nor by submit, which leaves with 5 and has created nothing' },
      { file: ORIGIN, title: 'results are downloaded from our own address, wherever results_url points' },
      { file: ORIGIN, title: 'a summary that is posted carries no key, and is not led on by a redirect' },
    ],
  },
  {
    row: 'Z6',
    fault: 'orders of a terminal in data, answers, errors of a server, names of files',
    expected: 'shown as codes; a pipe gets every byte; no line of ours can be made up',
    shownBy: [
      { file: TERMINAL, title: 'gives no order to a terminal, in any command' },
      { file: TERMINAL, title: 'hostile arguments, names and folders are named harmlessly' },
      { file: TERMINAL, title: 'hostile job files and data are refused harmlessly' },
      { file: TERMINAL, title: 'in its errors, in a batch and in real time' },
      { file: TERMINAL, title: 'in the ids and the states of batches' },
    ],
  },
  {
    row: 'Z7',
    fault: 'a command of a job, a job named `$(touch x)`',
    expected: 'run without a shell; such a name is refused; facts come in variables',
    shownBy: [
      { file: INJECTION, title: 'a job with such a name is refused' },
      { file: INJECTION, title: 'neither by on_end, by a commit nor by a source' },
    ],
  },
  {
    row: 'Z8',
    fault: 'other users of the machine, planted links',
    expected:
      '`.batchctl` 0700, files 0600, temporary names taken exclusively, nothing written through a link',
    shownBy: [
      { file: MODES, title: 'nothing in .batchctl is for others, nor what a private job writes' },
      { file: MODES, title: 'a file of a private job is private from its first byte' },
      { file: MODES, title: 'a link that leads out of the workspace is not written through' },
    ],
  },
  {
    row: 'Z9',
    fault: 'SQL in names and filters',
    expected: 'values are parameters, names of columns are quoted; `--select` is no SQL',
    shownBy: [
      { file: INJECTION, title: '2,000 ids made of it find no job, and change nothing' },
      { file: INJECTION, title: 'columns of an export may be called whatever they like' },
    ],
  },
  {
    row: 'Z10',
    fault: 'a dependency that turns bad',
    expected: 'each is locked by its hash, few are there, none runs a script when it is installed',
    shownBy: [
      {
        file: 'security/supply-chain.test.ts',
        title: 'no dependency at run time runs a script when it is installed',
      },
      { file: 'security/supply-chain.test.ts', title: 'the lockfile names each package by its hash' },
    ],
  },
];
