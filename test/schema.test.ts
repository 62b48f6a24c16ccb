import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jobFileJsonSchema } from '../src/core/job-file-schema.ts';

const shipped = readFileSync(new URL('../schemas/job.schema.json', import.meta.url), 'utf8');

test('schemas/job.schema.json is what the zod schema gives; run: node scripts/write-schema.ts', () => {
  expect(shipped).toBe(`${JSON.stringify(jobFileJsonSchema(), null, 2)}\n`);
});

test('every key has a description that an editor can show', () => {
  const missing: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties' && !path.includes('if')) {
        for (const [name, property] of Object.entries(value as object)) {
          if (typeof Reflect.get(property, 'description') !== 'string') missing.push(`${path}.${name}`);
        }
      }
      walk(value, `${path}.${key}`);
    }
  };
  walk(JSON.parse(shipped), '');
  expect(missing).toEqual([]);
});
