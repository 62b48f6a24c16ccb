import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

interface SourceFile {
  /** Relative to src, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const FILES: readonly SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    return { path: slashed(path), text, imports: readImports(text) };
  });

/** What each folder or file at the top may import of ours, beside itself; the first part of the path under src. */
const ALLOWED: Readonly<Record<string, { readonly folders: readonly string[]; readonly why: string }>> = {
  core: { folders: [], why: 'core is pure: values in, values out, and nothing of ours outside it' },
  providers: { folders: ['core'], why: 'an adapter knows the ports of core and no other adapter' },
  store: { folders: ['core'], why: 'an adapter knows the ports of core and no other adapter' },
  sources: { folders: ['core'], why: 'an adapter knows the ports of core and no other adapter' },
  files: { folders: ['core'], why: 'an adapter knows the ports of core and no other adapter' },
  emulator: {
    folders: [],
    why: 'the emulator knows the API and nothing of ours, so that it cannot share our mistakes',
  },
  steps: { folders: ['core'], why: 'steps take adapters as arguments, so that each can be replaced' },
  cli: {
    folders: ['core', 'steps', 'files', 'sources', 'store', 'providers', 'emulator'],
    why: 'the command line is where all meets',
  },
  library: {
    folders: ['core', 'steps', 'files', 'cli'],
    why: 'the library is a second face of the steps, and asks cli/wire.ts for adapters as the first one does',
  },
  'index.ts': { folders: ['library', 'core'], why: 'it only says what of the library is public' },
};

/** What the library shares with the command line: nothing that prints, asks, reads argv or listens to signals. */
const SHARED_WITH_LIBRARY = ['wire.ts', 'system-clock.ts', 'system-error.ts', 'version.ts'];

describe('imports go one way: cli → steps → core ← providers, store, sources, files', () => {
  for (const [folder, { folders, why }] of Object.entries(ALLOWED)) {
    test(`src/${folder} imports ${folders.length === 0 ? 'nothing of ours outside it' : folders.join(', ')}`, () => {
      const wrong = filesIn(folder).flatMap((file) =>
        ownImports(file)
          .filter((target) => ![folder, ...folders].includes(topFolder(target)))
          .map((target) => `src/${file.path} imports src/${target}, but ${why}`),
      );
      expect(wrong).toEqual([]);
    });
  }

  test('every folder of src has a rule', () => {
    const folders = new Set(FILES.map((file) => topFolder(file.path)));
    expect([...folders].filter((folder) => ALLOWED[folder] === undefined)).toEqual([]);
  });

  test('the library loads nothing of the command line but what both are made of', () => {
    const wrong = filesIn('library').flatMap((file) =>
      ownImports(file)
        .filter((target) => topFolder(target) === 'cli' && !SHARED_WITH_LIBRARY.includes(target.slice(4)))
        .map((target) => `src/${file.path} imports src/${target}, but a program has no terminal of ours`),
    );
    expect(wrong).toEqual([]);
  });

  test('only cli/wire.ts makes adapters', () => {
    const wrong = filesIn('cli')
      .filter((file) => !['cli/wire.ts', 'cli/locks.ts', 'cli/apis.ts'].includes(file.path))
      .flatMap((file) =>
        ownImports(file)
          .filter((target) => /^(?:store|providers|sources)\//.test(target))
          .map((target) => `src/${file.path} imports src/${target}; ask cli/wire.ts for it`),
      );
    expect(wrong).toEqual([]);
  });
});

describe('packages stay where they belong', () => {
  const rules = [
    // A database of the user's is a source like others.
    {
      name: 'better-sqlite3',
      folders: ['store', 'emulator', 'sources'],
      why: 'SQL stands behind the JobStore port',
    },
    { name: 'csv-parse', folders: ['sources'], why: 'local data stand behind the RecordSource port' },
    { name: 'hyparquet', folders: ['sources'], why: 'local data stand behind the RecordSource port' },
    {
      name: '@anthropic-ai/sdk',
      folders: ['providers'],
      why: 'the API stands behind the BatchProvider port',
    },
    { name: 'commander', folders: ['cli'], why: 'nothing else knows what a user types' },
    { name: 'ora', folders: ['cli'], why: 'nothing else knows what a user sees' },
  ];
  test.each(rules)('$name is imported in $folders only', ({ name, folders, why }) => {
    const wrong = FILES.filter((file) =>
      file.imports.some((target) => target === name || target.startsWith(`${name}/`)),
    )
      .filter((file) => !folders.includes(topFolder(file.path)))
      .map((file) => `src/${file.path} imports ${name}, but ${why}`);
    expect(wrong).toEqual([]);
  });
});

describe('what only the command line may do', () => {
  const rules = [
    { pattern: /\bprocess\.exit(?:Code)?\b/, what: 'ends the process' },
    { pattern: /\bconsole\./, what: 'prints' },
    { pattern: /\bprocess\.std(?:out|err)\b/, what: 'prints' },
    // The library takes the key from there when none is given.
    { pattern: /\bprocess\.env\b/, what: 'reads the environment', also: ['library/open-workspace.ts'] },
  ];
  test.each(rules)('no file outside src/cli $what ($pattern)', ({ pattern, what, also = [] }) => {
    const wrong = FILES.filter(
      (file) => topFolder(file.path) !== 'cli' && !also.includes(file.path) && pattern.test(code(file)),
    ).map((file) => `src/${file.path} ${what}, but only src/cli may: steps are also run by tests`);
    expect(wrong).toEqual([]);
  });
});

test('time and chance are asked for in one place, so that tests can stand in for both', () => {
  const pattern = /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\s*\)/;
  const wrong = FILES.filter(
    (file) => topFolder(file.path) !== 'emulator' && file.path !== 'cli/system-clock.ts',
  )
    .filter((file) => pattern.test(code(file)))
    .map(
      (file) => `src/${file.path} asks for the time or for chance itself; take core/ports/clock.ts instead`,
    );
  expect(wrong).toEqual([]);
});

test('no file has more than 300 lines', () => {
  const wrong = FILES.map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > 300)
    .map(({ path, lines }) => `src/${path} has ${lines} lines; look for its second subject`);
  expect(wrong).toEqual([]);
});

test('imports of our own files name them with .ts', () => {
  const wrong = FILES.flatMap((file) =>
    file.imports
      .filter((target) => target.startsWith('.') && !target.endsWith('.ts'))
      .map((target) => `src/${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

function filesIn(folder: string): readonly SourceFile[] {
  return FILES.filter((file) => topFolder(file.path) === folder);
}

function topFolder(path: string): string {
  return path.split('/')[0] ?? '';
}

/** Imports of our own files, relative to src. */
function ownImports(file: SourceFile): readonly string[] {
  return file.imports
    .filter((target) => target.startsWith('.'))
    .map((target) => slashed(relative(SRC, resolve(SRC, dirname(file.path), target))));
}

/** Static, re-exporting, side-effect and dynamic imports alike. */
function readImports(text: string): readonly string[] {
  const pattern = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)(['"])([^'"]+)\1/g;
  return [...withoutComments(text).matchAll(pattern)].map((match) => match[2] ?? '');
}

function code(file: SourceFile): string {
  return withoutComments(file.text);
}

/** Rough, but comments are all that could mention a forbidden word without using it. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
