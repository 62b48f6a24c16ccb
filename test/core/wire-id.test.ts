import { describe, expect, it } from 'vitest';
import { makeNonce, parseWireId, wireId } from '../../src/core/wire-id.ts';

const nonce = 'k3f9q2ab'.replaceAll('9', '7');

describe('the custom_id on the wire', () => {
  it('ends in the nonce and the number', () => {
    expect(wireId('teg10-r1', nonce, 7)).toBe(`teg10-r1--${nonce}-7`);
  });

  it('is cut to 64 characters and keeps its end', () => {
    const id = wireId('x'.repeat(64), nonce, 100_000);
    expect(id).toHaveLength(64);
    expect(parseWireId(id)).toEqual({ nonce, seq: 100_000 });
  });

  it('is read from its end, so an id that looks like one decides nothing', () => {
    expect(parseWireId(wireId('a--bbbbbbbb-3', nonce, 9))).toEqual({ nonce, seq: 9 });
  });

  it.each([
    '',
    'row-7',
    'a--short-7',
    `a--${nonce}-0`,
    `a--${nonce}-07`,
    `a--${nonce}-`,
    `a--${nonce.toUpperCase()}-7`,
    `a--${nonce}-7x`,
  ])('is not seen in %j', (id) => {
    expect(parseWireId(id)).toBeNull();
  });

  it('takes its nonce from 8 random bytes', () => {
    expect(makeNonce(new Uint8Array([0, 25, 26, 31, 32, 57, 255, 1, 9]))).toBe('az27az7b');
    expect(() => makeNonce(new Uint8Array(7))).toThrow(RangeError);
  });
});
