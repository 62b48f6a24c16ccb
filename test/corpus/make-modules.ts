import { job, type Maker, write } from './make-workspace.ts';

function source(code: string): Maker {
  return (root) => write(root, { 'build.mjs': code, ...job('module: build.mjs') });
}

/** Modules as sources that throw, give no records, or end the process. */
export const MODULES: Readonly<Record<string, Maker>> = {
  'module-syntax': source('export default [{\n'),
  'module-throws': source('\nthrow new Error("no network");\n'),
  'module-throws-null': source('throw null;\n'),
  'module-import-missing': source('import "./none.mjs";\nexport default [];\n'),
  'module-no-export': source('const records = [];\n'),
  'module-gives-number': source('export default 5;\n'),
  'module-gives-object': source('export default {name: "Ada"};\n'),
  'module-gives-nothing': source('export default [];\n'),
  'module-gives-texts': source('export default ["Ada", 5, null, [1]];\n'),
  'module-throws-midway': source(
    'export default function* () {\n  yield {name: "Ada"};\n  throw new TypeError("half way");\n}\n',
  ),
  'module-rejects': source('export default async () => { throw new Error("refused"); };\n'),
  'module-cycle': source('const a = {name: "Ada"}; a.self = a;\nexport default [a];\n'),
  'module-function-value': source('export default [{name: () => "Ada"}];\n'),
  'module-getter-throws': source('export default [{get name() { throw new Error("no"); }}];\n'),
  'module-nested': source(
    'let value = 1;\nfor (let level = 0; level < 100000; level += 1) value = [value];\nexport default [{name: value}];\n',
  ),
  'module-lone-surrogate': source('export default [{name: "\\ud83d"}];\n'),
  'module-exits': source('export default function* () { yield {name: "Ada"}; process.exit(0); }\n'),
  'module-never-ends': source('export default () => new Promise(() => {});\n'),
  'module-throws-later': source(
    'export default async function* () {\n  setTimeout(() => { throw new Error("later"); }, 1);\n  await new Promise((done) => setTimeout(done, 60_000));\n}\n',
  ),
  'module-rejects-unseen': source(
    'export default async function* () {\n  Promise.reject(new Error("unseen"));\n  await new Promise((done) => setTimeout(done, 60_000));\n}\n',
  ),
  'module-ready-requests': source('export default [{custom_id: "a", params: {}}];\n'),
};
