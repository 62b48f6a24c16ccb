import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DATABASES } from './make-databases.ts';
import { MODULES } from './make-modules.ts';
import { STREAMS } from './make-streams.ts';

/** Fills an empty workspace with what git cannot hold, or what is better read as code. The same bytes each time. */
export type Maker = (root: string) => void;

const HEAD = 'model: claude-sonnet-5-5\nmax_tokens: 500\n';
const PROMPT = 'prompt: "Write about {{ name }}."\n';

/** Writes files by their paths in the workspace. */
export function write(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** A job file with that source. */
export function job(source: string, rest = PROMPT): Readonly<Record<string, string>> {
  return { 'bad.job.yaml': `source: {${source}}\n${HEAD}${rest}` };
}

const ROWS = { 'data.csv': 'name,b\nAda,1\n' };

/** With a pipe that nobody writes to: whoever opens it waits for ever. */
function withPipe(path: string, files: Readonly<Record<string, string>>): Maker {
  return (root) => {
    write(root, files);
    mkdirSync(dirname(join(root, path)), { recursive: true });
    execFileSync('mkfifo', [join(root, path)]);
  };
}

/** With a link to a file beside the workspace that holds a secret. */
function withLinkOut(
  path: string,
  files: Readonly<Record<string, string>>,
  secret = 'name\nsecret\n',
): Maker {
  return (root) => {
    write(root, { ...files, '../secret/file.txt': secret });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(join(root, '../secret/file.txt'), join(root, path));
  };
}

/** With a file of that size that holds nothing and takes no room. */
function withHole(path: string, sizeBytes: number, files: Readonly<Record<string, string>>): Maker {
  return (root) => {
    write(root, { ...files, [path]: '' });
    truncateSync(join(root, path), sizeBytes);
  };
}

const PLACES: Readonly<Record<string, Maker>> = {
  'pipe-source': withPipe('pipe.csv', job('csv: pipe.csv')),
  'pipe-prompt': withPipe('pipe.md', { ...ROWS, ...job('csv: data.csv', 'prompt: {file: pipe.md}\n') }),
  'pipe-schema': withPipe('pipe.json', { ...ROWS, ...job('csv: data.csv', `${PROMPT}schema: pipe.json\n`) }),
  'pipe-attachment': withPipe('pipe.pdf', {
    ...ROWS,
    ...job('csv: data.csv', `${PROMPT}attach: [{document: pipe.pdf}]\n`),
  }),
  'pipe-job-file': withPipe('bad.job.yaml', {}),
  'pipe-in-folder': withPipe('texts/b.txt', {
    'texts/a.txt': 'A',
    ...job('dir: "texts/*.txt"', 'prompt: "{{ text }}"\n'),
  }),
  'pipe-file-of-record': withPipe('t/Ada', {
    ...ROWS,
    ...job('csv: data.csv', `${PROMPT}files: {t: "t/{{ name }}"}\n`),
  }),
  'pipe-database': withPipe('pipe.db', job('sqlite: {file: pipe.db, query: SELECT 1 AS name}')),
  'pipe-module': withPipe('pipe.js', job('module: pipe.js')),
  'folder-source': (root) => write(root, { 'data.csv/x.txt': '', ...job('csv: data.csv') }),
  'folder-prompt': (root) =>
    write(root, { ...ROWS, 'p/x.md': '', ...job('csv: data.csv', 'prompt: {file: p}\n') }),
  'folder-job-file': (root) => write(root, { 'bad.job.yaml/x': '' }),
  'folder-database': (root) =>
    write(root, { 'd/x': '', ...job('sqlite: {file: d, query: SELECT 1 AS name}') }),
  'link-source-out': withLinkOut('data.csv', job('csv: data.csv')),
  'link-prompt-out': withLinkOut('p.md', { ...ROWS, ...job('csv: data.csv', 'prompt: {file: p.md}\n') }),
  'link-schema-out': withLinkOut(
    's.json',
    { ...ROWS, ...job('csv: data.csv', `${PROMPT}schema: s.json\n`) },
    '{}',
  ),
  'link-attachment-out': withLinkOut('a.txt', {
    ...ROWS,
    ...job('csv: data.csv', `${PROMPT}attach: [{document: a.txt}]\n`),
  }),
  'link-file-of-record-out': withLinkOut('t/Ada', {
    ...ROWS,
    ...job('csv: data.csv', `${PROMPT}files: {t: "t/{{ name }}"}\n`),
  }),
  'link-in-folder-out': withLinkOut('texts/b.txt', {
    'texts/a.txt': 'A',
    ...job('dir: "texts/*.txt"', 'prompt: "{{ text }}"\n'),
  }),
  'link-meta-out': withLinkOut(
    'texts/a.json',
    {
      'texts/a.txt': 'A',
      ...job('dir: {glob: "texts/*.txt", meta: "{{ stem }}.json"}', 'prompt: "{{ text }}"\n'),
    },
    '{"title":"secret"}',
  ),
  'link-database-out': withLinkOut('d.db', job('sqlite: {file: d.db, query: SELECT 1 AS name}')),
  'link-module-out': withLinkOut('m.js', job('module: m.js'), 'export default [{name: "secret"}]'),
  'link-folder-out': (root) => {
    write(root, { '../secret/a.csv': 'name\nsecret\n', ...job('csv: linked/a.csv') });
    symlinkSync(join(root, '../secret'), join(root, 'linked'));
  },
  'link-loop-source': (root) => {
    write(root, job('csv: data.csv'));
    symlinkSync('data.csv', join(root, 'data.csv'));
  },
  'link-dangling-source': (root) => {
    write(root, job('csv: data.csv'));
    symlinkSync('gone.csv', join(root, 'data.csv'));
  },
  'link-loop-glob': (root) => {
    write(root, { 'texts/a.md': 'A', ...job('dir: "texts/**/*.txt"', 'prompt: "{{ text }}"\n') });
    symlinkSync('.', join(root, 'texts/again'));
  },
  'job-none': (root) => write(root, ROWS),
  'job-file-huge': withHole('bad.job.yaml', 9_000_000, {}),
  'prompt-huge': withHole('p.md', 40_000_000, { ...ROWS, ...job('csv: data.csv', 'prompt: {file: p.md}\n') }),
  'text-huge': withHole('texts/a.txt', 40_000_000, job('dir: "texts/*.txt"', 'prompt: "{{ text }}"\n')),
  'attachment-huge': withHole('a.pdf', 40_000_000, {
    ...ROWS,
    ...job('csv: data.csv', `${PROMPT}attach: [{document: a.pdf}]\n`),
  }),
  'json-huge': withHole('data.json', 300_000_000, job('json: data.json')),
  'attachment-empty': (root) =>
    write(root, { ...ROWS, 'a.pdf': '', ...job('csv: data.csv', `${PROMPT}attach: [{document: a.pdf}]\n`) }),
  'attachment-text-as-image': (root) =>
    write(root, {
      ...ROWS,
      'a.png': 'no image',
      ...job('csv: data.csv', `${PROMPT}attach: [{image: a.png}]\n`),
    }),
  'attachment-binary': (root) =>
    write(root, {
      ...ROWS,
      'a.txt': Buffer.from([0x41, 0, 0x42, 0xff]),
      ...job('csv: data.csv', `${PROMPT}attach: [{document: a.txt}]\n`),
    } as Readonly<Record<string, string | Uint8Array>>),
  'attachment-pdf-as-image': (root) =>
    write(root, {
      ...ROWS,
      'a.png': '%PDF-1.7\n',
      ...job('csv: data.csv', `${PROMPT}attach: [{image: a.png}]\n`),
    }),
  'schema-not-json': (root) =>
    write(root, { ...ROWS, 's.json': '{"type": ', ...job('csv: data.csv', `${PROMPT}schema: s.json\n`) }),
  'schema-nested': (root) =>
    write(root, {
      ...ROWS,
      's.json': `${'{"type":"array","items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`,
      ...job('csv: data.csv', `${PROMPT}schema: s.json\n`),
    }),
  'meta-outside': (root) =>
    write(root, {
      'texts/a.txt': 'A',
      ...job('dir: {glob: "texts/*.txt", meta: "../../{{ stem }}.json"}', 'prompt: "{{ text }}"\n'),
    }),
  'meta-broken': (root) =>
    write(root, {
      'texts/a.txt': 'A',
      'texts/a.json': '{\n"title": "T",\n}',
      ...job('dir: {glob: "texts/*.txt", meta: "{{ stem }}.json"}', 'prompt: "{{ text }}"\n'),
    }),
  'files-other-columns': (root) =>
    write(root, { 'a.csv': 'name,b\nA,1\n', 'b.csv': 'name,c\nB,2\n', ...job('csv: [a.csv, b.csv]') }),
  'files-ids-twice': (root) =>
    write(root, { 'a.csv': 'id,name\nx,A\n', 'b.csv': 'id,name\nx,B\n', ...job('csv: "*.csv"') }),
};

export const MAKERS: Readonly<Record<string, Maker>> = { ...PLACES, ...STREAMS, ...DATABASES, ...MODULES };
