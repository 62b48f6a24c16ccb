import { gzipSync } from 'node:zlib';
import { latin1, testBadData } from './bad-data.ts';

const KINDS = ['text', 'sqlite', 'parquet', 'module', 'requests: {module'].map((kind) => {
  const isOpen = kind.includes('{');
  const say = (path: string): string =>
    kind === 'sqlite'
      ? `sqlite: {file: ${path}, query: SELECT 1 AS name}`
      : `${kind}: ${path}${isOpen ? '}' : ''}`;
  return { kind, say, job: isOpen ? null : undefined };
});

testBadData(
  'files of the other kinds',
  KINDS.flatMap(({ kind, say, job }) => {
    const more = job === null ? { job } : {};
    return [
      {
        claim: `${kind}: a missing file names its errno`,
        source: say('none.x'),
        files: {},
        code: 'source_unreadable',
        says: ['none.x: there is no such file (ENOENT)'],
        ...more,
      },
      {
        claim: `${kind}: a folder is no file`,
        source: say('sub'),
        files: { 'sub/a.txt': '' },
        code: 'source_unreadable',
        says: ['sub: it is a folder', 'EISDIR'],
        ...more,
      },
      {
        claim: `${kind}: a path out of the workspace is refused`,
        source: say('../x'),
        files: {},
        code: 'source_outside',
        says: ['../x: it is outside the workspace'],
        ...more,
      },
    ];
  }),
);

testBadData('several files', [
  {
    claim: 'several files: a glob that matches nothing is named',
    source: 'csv: [d.csv, "more/*.csv"]',
    files: { 'd.csv': 'name\nA\n' },
    code: 'no_records',
    says: ['more/*.csv: no file matches the glob'],
  },
  {
    claim: 'several files: a glob out of the workspace is refused',
    source: 'jsonl: "../*.jsonl"',
    files: {},
    code: 'source_outside',
    says: ['../*.jsonl: the glob leads out of the workspace'],
  },
  {
    claim: 'several files: problems name the file',
    source: 'jsonl: "*.jsonl"',
    files: { 'a.jsonl': '{"name":"A"}\n', 'b.jsonl': '{"name":"B"}\n[]\n', 'c.jsonl': '{"name":"C"}\n{' },
    problems: ['b.jsonl:2: a record must be a JSON object', 'c.jsonl:2: not valid JSON'],
    good: 3,
  },
  {
    claim: 'several files: without any record all are named',
    source: 'csv: [a.csv, b.csv]',
    files: { 'a.csv': 'name\n', 'b.csv': '' },
    code: 'no_records',
    says: ['a.csv, b.csv: there is no record in it'],
  },
  {
    claim: 'several files: one that is named twice is refused',
    source: 'csv: [a.csv, a.csv]',
    files: { 'a.csv': 'name\nA\n' },
    code: 'job_file_invalid',
    says: ['"source.csv" names a.csv twice'],
  },
]);

testBadData('files of the wrong kind', [
  {
    claim: 'csv: a Parquet file is recognised',
    source: 'csv: d.csv',
    files: { 'd.csv': latin1('PAR1\x15\x04\x15\x0c\x15') },
    code: 'source_encoding',
    says: ['it is a Parquet file', 'read it with "source.parquet"'],
  },
  {
    claim: 'text: an SQLite database is recognised, packed too',
    source: 'text: d.gz',
    files: { 'd.gz': gzipSync('SQLite format 3\0more') },
    code: 'source_encoding',
    says: ['it is an SQLite database', '"source.sqlite"'],
  },
  {
    claim: 'jsonl: gzip in gzip is refused',
    source: 'jsonl: d.gz',
    files: { 'd.gz': gzipSync(gzipSync('{"name":"A"}')) },
    code: 'source_encoding',
    says: ['it is gzip'],
  },
  {
    claim: 'jsonl: gzip that is damaged is refused',
    source: 'jsonl: d.gz',
    files: {
      'd.gz': Buffer.concat([gzipSync('{"name":"A"}\n'.repeat(100)).subarray(0, 12), Buffer.alloc(30, 0xff)]),
    },
    code: 'source_encoding',
    says: ['its gzip data are damaged'],
  },
  {
    claim: 'sqlite: text is no database',
    source: 'sqlite: {file: d.db, query: SELECT 1 AS name}',
    files: { 'd.db': 'name\nA\n'.repeat(200) },
    code: 'source_unreadable',
    says: ['d.db: file is not a database'],
  },
  {
    claim: 'sqlite: no row is no record',
    source: 'sqlite: {file: d.db, query: SELECT 1 AS name WHERE 0}',
    files: { 'd.db': '' },
    code: 'no_records',
    says: ['the query gives no row'],
  },
  {
    claim: 'text: Latin-1 is refused with line and byte',
    source: 'text: d.txt',
    job: 'model: m\nmax_tokens: 5\nprompt: "{{ text }}"\n',
    files: { 'd.txt': latin1('Ada\nZo\xeb\n') },
    problems: ['d.txt:2: not UTF-8 at byte 6 of the file'],
    good: 1,
  },
  {
    claim: 'text: an empty file has no records',
    source: 'text: {file: d.txt, split: paragraph}',
    files: { 'd.txt': '\n \n' },
    code: 'no_records',
    says: ['d.txt: there is no record in it'],
  },
  {
    claim: 'text: a column that there is not is named, as in a CSV',
    source: 'text: d.txt',
    job: 'model: m\nmax_tokens: 5\nprompt: "{{ txet }}"\n',
    files: { 'd.txt': 'Ada\n' },
    problems: ['"txet"'],
  },
]);

testBadData('the words of a source', [
  {
    claim: 'source: no kind tells all that there are',
    source: '',
    files: {},
    code: 'job_file_invalid',
    says: ['csv, jsonl, json, text, axes, dir, sqlite, parquet, module, command, requests; it has none'],
  },
  {
    claim: 'csv: a mistyped option names the nearest one',
    source: 'csv: {file: d.csv, delimeter: ";"}',
    files: {},
    code: 'job_file_invalid',
    says: ['"delimeter" is not a known key of "source.csv"; did you mean "delimiter"?'],
  },
  {
    claim: 'csv: an encoding that there is not shows those that are',
    source: 'csv: {file: d.csv, encoding: ebcdic}',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.csv.encoding" must be one of utf8, utf16le, latin1, windows-1252, not "ebcdic"'],
  },
  {
    claim: 'csv: a quote that is the delimiter is refused',
    source: `csv: {file: d.csv, delimiter: ";", quote: ";"}`,
    files: {},
    code: 'job_file_invalid',
    says: ['"source.csv.quote" cannot be a line break or part of the delimiter'],
  },
  {
    claim: 'text: another way to split is refused',
    source: 'text: {file: d.txt, split: page}',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.text.split" must be line or paragraph, not "page"'],
  },
  {
    claim: 'sqlite: a file alone is not enough',
    source: 'sqlite: d.db',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.sqlite" must be a mapping such as {file: app.db, query: SELECT id, name FROM products}'],
  },
  {
    claim: 'sqlite: a query must be there',
    source: 'sqlite: {file: d.db}',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.sqlite.query" must be text, not empty'],
  },
  {
    claim: 'command: a line for a shell is refused',
    source: 'command: python3 build.py',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.command" must be a program and its arguments in a list, such as [python3, build.py]'],
  },
  {
    claim: 'command: an empty program is refused',
    source: 'command: ["", x]',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.command" names no program'],
  },
  {
    claim: 'parquet: standard input is refused',
    source: 'parquet: "-"',
    files: {},
    code: 'job_file_invalid',
    says: ['"source.parquet" cannot be read from standard input'],
  },
  {
    claim: 'requests: two places are refused',
    source: 'requests: {command: [a], module: b.js}',
    job: null,
    files: {},
    code: 'job_file_invalid',
    says: ['"source.requests" must be a path, a list of paths, {command} or {module}'],
  },
]);
