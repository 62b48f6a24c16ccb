import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import type { SchemaReference } from '../../src/core/stage.ts';
import { createSchemaReader } from '../../src/files/schema-reader.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const ZOD = new URL('../../node_modules/zod/index.js', import.meta.url).href;
const expected = {
  type: 'object',
  properties: { title: { type: 'string' }, pages: { type: 'integer', minimum: 1 } },
  required: ['title', 'pages'],
};

type Named = SchemaReference & { readonly kind: 'file' | 'module' };
const file = (name: string): Named => ({ kind: 'file', file: name });
const module = (name: string, exportName: string | null = null): Named => ({
  kind: 'module',
  module: name,
  exportName,
});

function read(reference: Named, files: Readonly<Record<string, string>>) {
  const root = makeTempDir({ 'outside.txt': '', ...files });
  return createSchemaReader({ root, dir: 'job' }).read(reference);
}

describe('a schema is read', () => {
  test.each<[string, Named, string]>([
    ['from JSON', file('s.json'), JSON.stringify(expected)],
    ['from JSON with a byte order mark', file('s.json'), `\ufeff${JSON.stringify(expected)}`],
    [
      'from YAML',
      file('s.yaml'),
      `type: object\nproperties:\n  title: { type: string }\n  pages: { type: integer, minimum: 1 }\nrequired: [title, pages]\n`,
    ],
    ['from the default export of a module', module('s.mjs'), `export default ${JSON.stringify(expected)};`],
    [
      'from a named export of TypeScript',
      module('s.ts', 'report'),
      `interface X { a: string }\nexport const report: object = ${JSON.stringify(expected)};`,
    ],
    ['from a CommonJS module', module('s.cjs'), `module.exports = ${JSON.stringify(expected)};`],
  ])('%s', async (_, reference, content) => {
    const name = reference.kind === 'file' ? reference.file : reference.module;
    expect(await read(reference, { [`job/${name}`]: content })).toEqual(expected);
  });

  test('from a Zod schema, with what comes out of it', async () => {
    const source = `import { z } from ${JSON.stringify(ZOD)};\nexport default z.object({ title: z.string(), pages: z.int().min(1).max(9).default(1) });`;
    expect(await read(module('s.mjs'), { 'job/s.mjs': source })).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        title: { type: 'string' },
        pages: { type: 'integer', minimum: 1, maximum: 9, default: 1 },
      },
      required: ['title', 'pages'],
      additionalProperties: false,
    });
  });

  test('from a Zod schema with a transform, with what goes in', async () => {
    const source = `import { z } from ${JSON.stringify(ZOD)};\nexport default z.object({ day: z.string().transform((day) => new Date(day)) });`;
    expect(await read(module('s.mjs'), { 'job/s.mjs': source })).toMatchObject({
      properties: { day: { type: 'string' } },
    });
  });

  test('from a Zod schema that cannot write itself, by our own copy', async () => {
    const source = `import { z } from ${JSON.stringify(ZOD)};\nconst own = z.object({ a: z.string() });\nexport default { _zod: own._zod };`;
    expect(await read(module('s.mjs'), { 'job/s.mjs': source })).toMatchObject({
      properties: { a: { type: 'string' } },
    });
  });
});

describe('a schema that cannot be used is refused', () => {
  test.each<[string, Named, Record<string, string>, string]>([
    ['a file that is not there', file('gone.json'), {}, 'there is no such file (ENOENT)'],
    ['a file outside', file('../../x.json'), {}, 'outside the workspace'],
    [
      'a file that is not JSON',
      file('s.json'),
      { 'job/s.json': '{"type":\n object}' },
      'not valid JSON: a value is missing',
    ],
    ['a file that is not YAML', file('s.yml'), { 'job/s.yml': 'a: [' }, 'not valid YAML'],
    ['a list', file('s.json'), { 'job/s.json': '[]' }, 'is an object'],
    ['a module that is not there', module('gone.ts'), {}, 'there is no such file (ENOENT)'],
    ['a module outside', module('../../x.mjs'), {}, 'outside the workspace'],
    ['a module that throws', module('s.mjs'), { 'job/s.mjs': 'throw new Error("no luck");' }, 'no luck'],
    [
      'an export that is not there',
      module('s.mjs', 'b'),
      { 'job/s.mjs': 'export const a = {};' },
      'no export "b"; it exports a',
    ],
    [
      'a text',
      module('s.mjs'),
      { 'job/s.mjs': 'export default "x";' },
      'neither a JSON Schema nor a Zod schema',
    ],
    [
      'a schema of Zod 3',
      module('s.mjs'),
      { 'job/s.mjs': 'export default { _def: { typeName: "ZodObject" } };' },
      'Zod 3',
    ],
    [
      'a Zod schema of what JSON has not',
      module('s.mjs'),
      {
        'job/s.mjs': `import { z } from ${JSON.stringify(ZOD)};\nexport default z.object({ a: z.bigint() });`,
      },
      'cannot be written as JSON Schema',
    ],
  ])('%s', async (_, reference, files, why) => {
    const error = await read(reference, files).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: 'schema_file', why: expect.stringContaining(why) });
    expect(error).toMatchObject({ next: expect.stringContaining('mend') });
  });

  test('a file that a link leads out of the workspace to', async () => {
    const root = makeTempDir({ 'job/x.json': '{}' });
    symlinkSync(join(makeTempDir({ 's.json': '{}' }), 's.json'), join(root, 'job/s.json'));
    const reader = createSchemaReader({ root, dir: 'job' });
    await expect(reader.read(file('s.json'))).rejects.toMatchObject({ code: 'schema_file' });
  });

  test('with the line in its JSON', async () => {
    const reading = read(file('s.json'), { 'job/s.json': '{\n  "type": object\n}' });
    await expect(reading).rejects.toThrow('s.json:2:11');
  });
});
