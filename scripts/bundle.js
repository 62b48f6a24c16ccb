// Bundles src with what it depends on. A command loads some hundred modules less: `plan` took 0.86 s of CPU time as single
// files and 0.46 s as a bundle, `verify` 0.34 s and 0.20 s (Node 24.21, two busy cores, 2026-11-28).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const EXTERNAL = [/^node:/];

/**
 * Chunks that are made by hand, each of some files of src and all that they import. Left to itself rolldown makes a chunk of
 * every set of files that the same commands need, and `list` and `status`, which do little, spent most of their time on
 * finding and loading thirty of them. What one of them would not need itself costs less than a further file.
 */
const GROUPS = [
  // What both faces of the program are made of. Nothing of the command line, which a library must not load.
  {
    name: 'workspace',
    test: filesOf(
      'cli/locks cli/system-clock cli/system-error cli/version cli/wire core/doubt core/duration core/escape',
      'core/interruption core/job-document core/job-file core/pilot core/retry-rule core/spent-sum',
      'files/job-files files/job-journal files/lost-store files/rebuild-marker steps/describe-job store/locks store/open',
    ),
    priority: 2,
  },
  {
    name: 'command-line',
    test: filesOf('cli/program cli/context cli/report-error cli/commands/list cli/commands/status'),
    priority: 1,
  },
];

/** Matches these files of src, given without their `.ts`. */
function filesOf(...lists) {
  const paths = lists.flatMap((list) => list.split(' '));
  return new RegExp(`[\\\\/]src[\\\\/](?:${paths.join('|').replaceAll('/', '[\\\\/]')})\\.ts$`);
}

/** Writes the program, the library and the chunks that they share to `dist`, with the licenses of what is inside. */
export async function bundle(root, dist) {
  const build = await rolldown({
    cwd: root,
    input: { 'cli/main': 'src/cli/main.ts', index: 'src/index.ts' },
    platform: 'node',
    external: EXTERNAL,
    plugins: [lazyBuiltins(), sqliteBinary()],
    // Imports that are put off for the sake of one command and not for another are meant so.
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await build.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: { groups: GROUPS },
    comments: { legal: true, annotation: true, jsdoc: false },
  });
  await build.close();
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licensesOf(modules));
}

/** Take a hundredth of a second to load, and most commands never call them. */
const SELDOM = ['node:child_process', 'node:crypto', 'node:fs/promises', 'node:v8'];

/**
 * Takes SQLite's compiled half from the installed package, which knows the one for this machine, when a database is first
 * opened. The JavaScript half is bundled, fourteen files less for `list` to load. Both are of one version, because
 * package.json asks for just that one.
 */
function sqliteBinary() {
  return {
    name: 'sqlite-binary',
    load(id) {
      if (!/[\\/]better-sqlite3[\\/]lib[\\/]binding\.js$/.test(id)) return null;
      return `import { createRequire } from 'node:module';
        import { dirname, join } from 'node:path';
        const require = createRequire(import.meta.url);
        let binary;
        export function getBinding() {
          return (binary ??= require(join(dirname(require.resolve('better-sqlite3')), 'binding.js')).getBinding());
        }`;
    },
  };
}

/**
 * Takes of Node's own modules what is used, and no more. An `import` of one reads all its exports, and some are made only
 * then: `node:http` brings Node's whole fetch along for the sake of `WebSocket`, `node:crypto` its web cryptography. Some
 * are loaded at their first call alone.
 */
function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    renderChunk: (code) =>
      code.replaceAll(/^import (.+) from "(node:[\w/]+)";$/gm, (_line, names, module) =>
        declarations(names, module),
      ),
  };
}

/** `names` as between `import` and `from`: a default, a namespace, a list in braces, or a default before either. */
function declarations(names, module) {
  const [, whole, list] = /^(?:([\w$]+|\* as [\w$]+)(?:, |$))?(\{.*\})?$/.exec(names) ?? [];
  if (whole === undefined && list === undefined) throw new Error(`an import in a form not known: ${names}`);
  const load = `globalThis.process.getBuiltinModule("${module}")`;
  const isSeldom = SELDOM.includes(module);
  const lines = [];
  if (whole !== undefined)
    lines.push(`const ${whole.replace(/^\* as /, '')} = ${isSeldom ? gettersOf(module, load) : load};`);
  const named = [...(list ?? '').matchAll(/([\w$]+)(?: as ([\w$]+))?/g)];
  if (isSeldom)
    for (const [, name, local = name] of named)
      lines.push(`const ${local} = ${callerOf(module, name, load)};`);
  else if (named.length > 0)
    lines.push(
      `const { ${named.map(([, name, local = name]) => `${name}: ${local}`).join(', ')} } = ${load};`,
    );
  return lines.join(' ');
}

function callerOf(module, name, load) {
  const found = process.getBuiltinModule(module)[name];
  if (typeof found !== 'function' || found.toString().startsWith('class'))
    throw new Error(
      `${name} of ${module} is no plain function, so that it cannot be loaded at its first call`,
    );
  return `(...given) => ${load}.${name}(...given)`;
}

function gettersOf(module, load) {
  const names = Object.keys(process.getBuiltinModule(module)).filter((name) => name !== 'default');
  return `{ ${names.map((name) => `get ${name}() { return ${load}.${name}; }`).join(', ')} }`;
}

/** What MIT and its like ask of whoever passes on a copy. */
function licensesOf(modules) {
  const folders = new Set(
    modules.flatMap(
      (id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/'))?.[1] ?? [],
    ),
  );
  const parts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    // A package may have several: what was contributed under an earlier license keeps that one's notice.
    const files = readdirSync(folder)
      .filter((one) => /^(?:un)?licen[cs]e|^notice|^copying/i.test(one))
      .sort();
    const texts = files.map((file) => `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`);
    return `${name} ${version} (${license})\n${texts.join('')}`;
  });
  return parts.sort().join(`\n${'-'.repeat(80)}\n\n`);
}
