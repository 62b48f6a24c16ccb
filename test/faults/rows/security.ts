import type { FaultRow } from '../row.ts';

/** Security. */
export const securityRows: readonly FaultRow[] = [
  {
    row: 'Z1',
    fault: 'Key in argv, logs, DB, raw results file, report, crash output, child environment',
    expected:
      'No flag takes a key; sources: env, `--api-key-file`, `--api-key-command`, stored profile. Children (hooks) get an environment without `ANTHROPIC_*`',
  },
  {
    row: 'Z2',
    fault: 'Node diagnostic report / heap snapshot',
    expected:
      'Reports exclude the environment (with the default the key was in the file, with the exclude flag not ); heap dumps only behind an explicit command',
  },
  {
    row: 'Z3',
    fault: 'Debug HTTP logs',
    expected:
      'Our own redactor over *both* `authorization` and `x-api-key` (SDK 1.x sends the former ) and bodies off by default: prompts are private',
  },
  {
    row: 'Z4',
    fault:
      'Hostile `.env` or config in the working directory (sets a base URL, proxy, NODE_OPTIONS, TLS off)',
    expected:
      'Only an allow-list is read from a project file (key, model defaults, paths). Base URL, proxy, TLS and hook commands come from flags, user config or real env; a non-default base URL is printed on every submit',
  },
  {
    row: 'Z5',
    fault: 'Redirect or `results_url` to another origin',
    expected: 'Never followed, never given a key',
  },
  {
    row: 'Z6',
    fault: 'Terminal escapes in data, model output, server errors, file names',
    expected: 'Everything from outside is printed through an escaper (C0, C1, OSC 8/52, bidi)',
  },
  {
    row: 'Z7',
    fault: 'Hook commands (`--on-complete`)',
    expected: 'Run without a shell, values passed by environment, never spliced into the command string',
  },
  {
    row: 'Z8',
    fault: 'Symlinks, other local users',
    expected: 'State dir 0700, files 0600, exclusive temp names, no writes through links',
  },
  {
    row: 'Z9',
    fault: 'SQL injection through names or filters',
    expected: 'Prepared statements only; `--where` goes through a small parser, not into SQL',
  },
  {
    row: 'Z10',
    fault: 'Supply chain',
    expected: 'Lockfile, few dependencies, no install scripts but the native one, provenance on release',
  },
];
