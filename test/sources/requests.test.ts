import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readSource, sourceOf } from './read-source.ts';

const requests = sourceOf({ requests: 'r.jsonl' });

test.each([
  '{"model":"m","max_tokens":5,"messages":[]}',
  '{ "z": 1, "a": 12345678901234567890 , "b":1.50e+2,"2":0,"1":0 }',
  '{"text":"\\u00e9\\/ \\ud83d\\ude00 é 😀 \\"} ,","nested":{"params":{"a":[{"}":"]"}]}}}',
  '{}',
])('params stay exactly as they were written: %s', async (params) => {
  const root = makeTempDir({
    'r.jsonl': `\uFEFF{"custom_id":"a","params":${params}}\r\n { "params" :\t${params}  , "custom_id" : "b\\u0062" } \n{"custom_id":"c","\\u0070arams":${params}}`,
  });
  const items = await readSource(root, requests);
  expect(items.map((item) => (item.kind === 'ready' ? [item.customId, item.paramsJson] : item))).toEqual([
    ['a', params],
    ['bb', params],
    ['c', params],
  ]);
});
