import { expect, test } from 'vitest';
import { mergeSizes, SizeCounter } from '../../src/core/size-counter.ts';

interface Wishes {
  readonly model?: string;
  readonly maxTokens?: number;
  readonly system?: string;
}

/** A request of so many bytes after its model and max_tokens. */
function requestOf(bytes: number, { model = 'm', maxTokens = 100, system = '' }: Wishes = {}): string {
  const marked =
    system === ''
      ? ''
      : `"system":[{"type":"text","text":"${system}","cache_control":{"type":"ephemeral","ttl":"1h"}}],`;
  const turn = `${marked}"messages":[{"role":"user","content":"`;
  return `{"model":"${model}","max_tokens":${maxTokens},${turn}${'x'.repeat(bytes - turn.length - 4)}"}]}`;
}

test('requests are counted by model and by powers of two of their size', () => {
  const counter = new SizeCounter();
  for (const bytes of [400, 500, 508, 512]) counter.add(requestOf(bytes), null);
  counter.add(requestOf(400, { model: 'n', maxTokens: 7 }), null);
  // 100, 125 and 127 tokens are below 128; 128 are not.
  const facts = { model: 'm', isUs: false };
  expect(counter.sizes().classes).toEqual([
    { ...facts, exponent: 7, requests: 3, tokens: 352, largest: 127, maxTokens: 300 },
    { ...facts, exponent: 8, requests: 1, tokens: 128, largest: 128, maxTokens: 100 },
    { model: 'n', isUs: false, exponent: 7, requests: 1, tokens: 100, largest: 100, maxTokens: 7 },
  ]);
});

test('a shared prefix is one, with all the requests that begin with it', () => {
  const counter = new SizeCounter();
  for (let index = 0; index < 5; index += 1) counter.add(requestOf(900, { system: 's'.repeat(300) }), null);
  counter.add(requestOf(900, { system: 't'.repeat(300) }), null);
  // The block is 373 bytes long: 23 before the text of 300, 50 after it.
  expect(counter.sizes().prefixes).toMatchObject([
    { ttl: '1h', requests: 5, distinct: 1, tokens: 94, tokensUpTo: 94 },
    { ttl: '1h', requests: 1, distinct: 1, tokens: 94, tokensUpTo: 94 },
  ]);
});

test('the same text marked for another time is another prefix', () => {
  const counter = new SizeCounter();
  const turn = '"messages":[{"role":"user","content":"the same"}]';
  for (const mark of ['{"type":"ephemeral"}', '{"type":"ephemeral","ttl":"1h"}'])
    counter.add(`{"model":"m","max_tokens":1,"cache_control":${mark},${turn}}`, null);
  const { prefixes } = counter.sizes();
  expect(prefixes.map(({ ttl, requests }) => [ttl, requests])).toEqual([
    ['5m', 1],
    ['1h', 1],
  ]);
  expect(mergeSizes([counter.sizes(), counter.sizes()]).prefixes).toHaveLength(2);
});

test('of very many prefixes the first are told apart and the rest are counted as one', () => {
  const counter = new SizeCounter();
  for (let index = 0; index < 200; index += 1) {
    const system = `${'s'.repeat(300)}${String(Math.floor(index / 2)).padStart(4, '0')}`;
    counter.add(requestOf(900, { system }), null);
  }
  const { prefixes } = counter.sizes();
  expect(prefixes).toHaveLength(33);
  // 100 different prefixes of two requests each: 32 are told apart.
  expect(prefixes.at(-1)).toMatchObject({ requests: 136, distinct: 68, hash: '', tokens: 95 });
});

test('the sample is spread evenly over however many requests come, and stays small', () => {
  for (const count of [5, 40, 1_000, 20_000]) {
    const counter = new SizeCounter();
    for (let index = 0; index < count; index += 1)
      counter.add(requestOf(200), { offset: index, length: 200 });
    const offsets = counter.sizes().sample.map(({ offset }) => offset);
    expect(offsets.length).toBeLessThanOrEqual(32);
    expect(offsets.length).toBeGreaterThanOrEqual(Math.min(count, 16));
    const step = (offsets[1] ?? 0) - (offsets[0] ?? 0);
    expect(offsets).toEqual(offsets.map((_, index) => index * step));
    expect(count - (offsets.at(-1) ?? 0)).toBeLessThanOrEqual(step);
  }
});

test('shards that share a prefix share it as one when they are put together', () => {
  const sizes = ['s', 's', 't'].map((letter) => {
    const counter = new SizeCounter();
    for (let index = 0; index < 3; index += 1)
      counter.add(requestOf(900, { system: letter.repeat(300) }), { offset: 0, length: 900 });
    return counter.sizes();
  });
  const merged = mergeSizes(sizes);
  expect(merged.prefixes.map(({ requests, distinct }) => [requests, distinct])).toEqual([
    [6, 1],
    [3, 1],
  ]);
  expect(merged.classes).toMatchObject([{ requests: 9, tokens: 2_025, largest: 225, maxTokens: 900 }]);
  expect(merged.sample).toEqual([]);
});
