import type { Comparison } from './report.ts';

/** What the program is held to, and what is only shown beside it. */
export const COMPARISONS: readonly Comparison[] = [
  { work: '--version', against: ['node -e 0'], bound: 1.5 },
  { work: 'node and one select', against: ['node -e 0'], bound: null },
  { work: 'list', against: ['node -e 0'], bound: 2.5 },
  { work: 'status', against: ['node -e 0'], bound: 2.5 },
  { work: 'plan', against: ['parse the requests'], bound: null },
  { work: 'build', against: ['parse the requests'], bound: 4 },
  { work: 'build from CSV', against: ['build', 'read the CSV'], bound: null },
  { work: 'submit', against: ['curl: upload'], bound: 2 },
  { work: 'submit', against: ['SDK: create'], bound: null },
  { work: 'submit', against: ['AI SDK: create'], bound: null },
  { work: 'retrieve', against: ['curl: download, and parse'], bound: 3 },
  { work: 'retrieve', against: ['SDK: results'], bound: null },
  { work: 'retrieve', against: ['AI SDK: results'], bound: null },
  { work: 'retrieve, a file each', against: ['write the files'], bound: 1.5, beyond: 'retrieve' },
  { work: 'verify', against: ['curl: download, and parse'], bound: null },
  { work: 'retrieve 1.2 MB each', against: ['curl: 1.2 MB each, and parse'], bound: 3 },
  { work: 'retrieve a line of 40 MB', against: ['curl: a line of 40 MB, and parse'], bound: 3 },
];

/** Megabytes that a command may hold at once, whatever the number of requests; 8 times the longest line comes on top. */
export const MOST_MB = 160;
